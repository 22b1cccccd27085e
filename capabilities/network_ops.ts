/**
 * The network, as far as a handle allows it.
 *
 * @module
 */

/** A host, by name or address, and a port. */
export interface NetworkAddress {
  /** "example.org", "127.0.0.1", "::1". */
  readonly hostname: string;
  /** 0 … 65,535. */
  readonly port: number;
}

/** A datagram as it arrives. */
export interface ReceivedDatagram {
  /** The receiver's own. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Who sent it. */
  readonly from: NetworkAddress;
}

/** Objects at which the network finds this machine. */
export interface PortOps {
  /** The port, as it was asked for or as it was chosen. */
  readonly port: number;
}

/** Most bytes of a datagram's contents. */
export const MAX_DATAGRAM_BYTES = 65_507;
