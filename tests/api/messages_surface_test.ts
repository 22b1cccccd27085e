/** The public classes of message queues and sockets: every member with its type. @module */
import {
  DatagramEndpoint,
  type EventContent,
  type EventPayload,
  type Handle,
  Listener,
  type Message,
  MessageReceiver,
  MessageSender,
  Namespace,
  Network,
  type SendOptions,
  Socket,
  type SocketType,
  type WaitOptions,
} from "@carmine/kernel";
import { assertSurface, HANDLE_MEMBERS, type HandleSurface } from "./_surface.ts";

/** What a MessageSender promises beside what every handle has. */
interface MessageSenderSurface extends HandleSurface {
  readonly isConnected: boolean;
  readonly peerCount: number;
  readonly description: string;
  readonly send: (bytes: Uint8Array, options?: SendOptions) => Promise<void>;
  readonly sendSync: (bytes: Uint8Array, options?: SendOptions) => void;
  readonly trySend: (bytes: Uint8Array, options?: Omit<SendOptions, keyof WaitOptions>) => boolean;
  readonly call: (bytes: Uint8Array, options?: SendOptions) => Promise<Message>;
  readonly callSync: (bytes: Uint8Array, options?: SendOptions) => Message;
}

/** What a MessageReceiver promises beside what every handle has. */
interface MessageReceiverSurface extends HandleSurface {
  readonly isConnected: boolean;
  readonly peerCount: number;
  readonly description: string;
  readonly receive: (options?: WaitOptions) => Promise<Message>;
  readonly receiveSync: (options?: WaitOptions) => Message;
  readonly tryReceive: () => Message | undefined;
  readonly receiveInto: (buffer: Uint8Array, options?: WaitOptions) => Promise<Message>;
  readonly receiveIntoSync: (buffer: Uint8Array, options?: WaitOptions) => Message;
  readonly reply: (message: Message, bytes: Uint8Array, options?: { handles?: Handle[] }) => void;
  readonly notify: (content: EventContent, payload?: EventPayload) => void;
  readonly [Symbol.asyncIterator]: () => AsyncIterator<Message>;
}

/** What a Socket promises beside what every handle has. */
interface SocketSurface extends HandleSurface {
  readonly isConnected: boolean;
  readonly peerCount: number;
  readonly description: string;
  readonly socketType: SocketType;
  readonly peerTaskId: number;
  readonly read: (into: Uint8Array, options?: WaitOptions) => Promise<number>;
  readonly readSync: (into: Uint8Array, options?: WaitOptions) => number;
  readonly tryRead: (into: Uint8Array) => number;
  readonly write: (bytes: Uint8Array, options?: WaitOptions) => Promise<number>;
  readonly writeSync: (bytes: Uint8Array, options?: WaitOptions) => number;
  readonly tryWrite: (bytes: Uint8Array) => number;
  readonly send: (bytes: Uint8Array, options?: Omit<SendOptions, "priority">) => Promise<void>;
  readonly sendSync: (bytes: Uint8Array, options?: Omit<SendOptions, "priority">) => void;
  readonly trySend: (bytes: Uint8Array, options?: { handles?: Handle[] }) => boolean;
  readonly receive: (
    options?: WaitOptions,
  ) => Promise<{ bytes: Uint8Array<ArrayBuffer>; handles: readonly Handle[] }>;
  readonly receiveSync: (
    options?: WaitOptions,
  ) => { bytes: Uint8Array<ArrayBuffer>; handles: readonly Handle[] };
  readonly tryReceive: () =>
    | { bytes: Uint8Array<ArrayBuffer>; handles: readonly Handle[] }
    | undefined;
  readonly sendHandle: (handle: Handle, options?: WaitOptions) => Promise<void>;
  readonly receiveHandle: (options?: WaitOptions) => Promise<Handle>;
  readonly sendHandleSync: (handle: Handle, options?: WaitOptions) => void;
  readonly receiveHandleSync: (options?: WaitOptions) => Handle;
  readonly shutdown: (how: "read" | "write" | "both") => void;
  readonly writable: WritableStream<Uint8Array>;
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** What a Namespace promises beside what every handle has. */
interface NamespaceSurface extends HandleSurface {
  readonly listen: (
    name: string,
    options?: { type?: Exclude<SocketType, "datagram">; backlog?: number },
  ) => Listener;
  readonly connect: (name: string, options?: WaitOptions) => Promise<Socket>;
  readonly connectSync: (name: string, options?: WaitOptions) => Socket;
}

/** What a Listener promises beside what every handle has. */
interface ListenerSurface extends HandleSurface {
  readonly accept: (options?: WaitOptions) => Promise<Socket>;
  readonly acceptSync: (options?: WaitOptions) => Socket;
  readonly tryAccept: () => Socket | undefined;
  readonly [Symbol.asyncIterator]: () => AsyncIterator<Socket>;
}

/** What a Network promises beside what every handle has. */
interface NetworkSurface extends HandleSurface {
  readonly connect: (options: { hostname: string; port: number } & WaitOptions) => Promise<Socket>;
  readonly listen: (
    options: { hostname?: string; port: number },
  ) => Listener & { readonly port: number };
  readonly bind: (options: { hostname?: string; port: number }) => Promise<DatagramEndpoint>;
}

/** What a DatagramEndpoint promises beside what every handle has. */
interface DatagramEndpointSurface extends HandleSurface {
  readonly port: number;
  readonly sendTo: (bytes: Uint8Array, to: { hostname: string; port: number }) => Promise<number>;
  readonly receiveFrom: (
    options?: WaitOptions,
  ) => Promise<{ bytes: Uint8Array; from: { hostname: string; port: number } }>;
}

Deno.test("MessageSender has the members that it promises", () => {
  assertSurface<MessageSenderSurface>()(MessageSender, {
    ...HANDLE_MEMBERS,
    isConnected: true,
    peerCount: true,
    description: true,
    send: true,
    sendSync: true,
    trySend: true,
    call: true,
    callSync: true,
  });
});

Deno.test("MessageReceiver has the members that it promises", () => {
  assertSurface<MessageReceiverSurface>()(MessageReceiver, {
    ...HANDLE_MEMBERS,
    isConnected: true,
    peerCount: true,
    description: true,
    receive: true,
    receiveSync: true,
    tryReceive: true,
    receiveInto: true,
    receiveIntoSync: true,
    reply: true,
    notify: true,
    [Symbol.asyncIterator]: true,
  });
});

Deno.test("Socket has the members that it promises", () => {
  assertSurface<SocketSurface>()(Socket, {
    ...HANDLE_MEMBERS,
    isConnected: true,
    peerCount: true,
    description: true,
    socketType: true,
    peerTaskId: true,
    read: true,
    readSync: true,
    tryRead: true,
    write: true,
    writeSync: true,
    tryWrite: true,
    send: true,
    sendSync: true,
    trySend: true,
    receive: true,
    receiveSync: true,
    tryReceive: true,
    sendHandle: true,
    receiveHandle: true,
    sendHandleSync: true,
    receiveHandleSync: true,
    shutdown: true,
    writable: true,
    readable: true,
  });
});

Deno.test("Namespace has the members that it promises", () => {
  assertSurface<NamespaceSurface>()(Namespace, {
    ...HANDLE_MEMBERS,
    listen: true,
    connect: true,
    connectSync: true,
  });
});

Deno.test("Listener has the members that it promises", () => {
  assertSurface<ListenerSurface>()(Listener, {
    ...HANDLE_MEMBERS,
    accept: true,
    acceptSync: true,
    tryAccept: true,
    [Symbol.asyncIterator]: true,
  });
});

Deno.test("Network has the members that it promises", () => {
  assertSurface<NetworkSurface>()(Network, {
    ...HANDLE_MEMBERS,
    connect: true,
    listen: true,
    bind: true,
  });
});

Deno.test("DatagramEndpoint has the members that it promises", () => {
  assertSurface<DatagramEndpointSurface>()(DatagramEndpoint, {
    ...HANDLE_MEMBERS,
    port: true,
    sendTo: true,
    receiveFrom: true,
  });
});
