/** Sockets, namespaces and listeners, 650-679. @module */
import { KernelError } from "../../capabilities/errors.ts";
import type { HandleEntry } from "../../capabilities/handle.ts";
import { COMMON_RIGHTS, describeRights, Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import {
  DEFAULT_BACKLOG,
  DEFAULT_SOCKET_CAPACITY,
  type ShutdownHow,
  type SocketType,
} from "../../capabilities/socket_ops.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import type { Account } from "../../kernel/account.ts";
import type { ListenerObject } from "../../kernel/ipc/listener.ts";
import { type NamedListener, NamespaceObject } from "../../kernel/ipc/namespace.ts";
import { createSocket, type SocketEnd, type SocketSettings } from "../../kernel/ipc/socket.ts";
import type { Handlers } from "../caller.ts";
import type { ConnectTarget, socketCalls } from "../table/sockets.ts";

/** Rights of a new socket. */
export const SOCKET_RIGHTS: Rights = COMMON_RIGHTS | Rights.READ | Rights.WRITE;
/** Rights of a new listener: `accept` is its only operation. */
export const LISTENER_RIGHTS: Rights = COMMON_RIGHTS | Rights.READ;
const NAMESPACE_RIGHTS = COMMON_RIGHTS | Rights.READ | Rights.WRITE;

// The table asked for the capability, so these hold.
const socketOf = (entry: HandleEntry) => entry.object as SocketEnd;
const namespaceOf = (entry: HandleEntry) => entry.object as NamespaceObject;
const listenerOf = (entry: HandleEntry) => entry.object as ListenerObject;

const NEEDED: Readonly<Record<ShutdownHow, Rights>> = {
  read: Rights.READ,
  write: Rights.WRITE,
  both: Rights.READ | Rights.WRITE,
};

/** The listener that a waiting connect stands before; another one of that name is not for it. */
const awaited = new WeakMap<ConnectTarget, NamedListener>();

export const socketHandlers: Handlers<typeof socketCalls> = {
  socketPair({ kernel, task }, options) {
    const capacity = options.capacity ?? DEFAULT_SOCKET_CAPACITY;
    task.table.requireRoom(2);
    const [first, second] = chargedSocket(task.account, {
      socketType: options.type ?? "stream",
      capacity,
      creators: [task.taskId, task.taskId],
      carriers: kernel.carriers,
    });
    return [task.install(first, SOCKET_RIGHTS), task.install(second, SOCKET_RIGHTS)];
  },

  socketStatus(_caller, target) {
    const { socketType, peerTaskId } = socketOf(target);
    return { socketType, peerTaskId };
  },

  socketShutdown(_caller, target, how) {
    const missing = NEEDED[how] & ~target.rights;
    if (missing !== 0) {
      throw new KernelError("ACCESS_DENIED", `it lacks ${describeRights(missing)}`);
    }
    socketOf(target).shutdown(how);
  },

  socketFail(_caller, target, reason) {
    socketOf(target).fail(reason);
  },

  socketSend: ({ task }, target, bytes, options) =>
    socketOf(target).trySend(task, {
      bytes,
      handles: options.handles ?? [],
      duplicate: options.duplicate ?? false,
    }),

  socketReceive: ({ task }, target) => socketOf(target).tryReceive(task),

  socketSendHandle: ({ task }, target, sent) => socketOf(target).trySendHandle(task, sent),

  socketReceiveHandle: {
    run: ({ task }, target) => socketOf(target).tryReceiveHandle(task),
    // The end may come while bytes are awaited by others: it must not stand in their way.
    park: (_caller, entry) => [
      { entry, signals: Signals.HANDLE_PENDING, operation: true },
      { entry, signals: Signals.READABLE | Signals.PEER_CLOSED, operation: false },
    ],
  },

  namespaceCreate({ task }) {
    task.table.requireRoom(1);
    const namespace = new NamespaceObject();
    namespace.lease = task.account.lease();
    return task.install(namespace, NAMESPACE_RIGHTS);
  },

  namespaceListen({ task }, target, name, options) {
    const namespace = namespaceOf(target);
    namespace.requireFree(name);
    task.table.requireRoom(1);
    const lease = task.account.lease();
    const listener = namespace.listen(name, {
      socketType: options.type ?? "stream",
      backlog: options.backlog ?? DEFAULT_BACKLOG,
      taskId: task.taskId,
    });
    listener.lease = lease;
    return task.install(listener, LISTENER_RIGHTS);
  },

  namespaceConnect: {
    run({ kernel, task }, target, to) {
      const listener = namespaceOf(target).find(to.name);
      if ((awaited.get(to) ?? listener) !== listener) {
        throw new KernelError("CONNECTION_REFUSED", "the listener it waited for is closed");
      }
      if (!listener.hasRoom) return WOULD_BLOCK;
      task.table.requireRoom(1);
      const [client, server] = chargedSocket(task.account, {
        socketType: listener.socketType,
        capacity: DEFAULT_SOCKET_CAPACITY,
        creators: [task.taskId, listener.taskId],
        carriers: kernel.carriers,
      });
      const number = task.install(client, SOCKET_RIGHTS);
      listener.arrive(server);
      return number;
    },
    park(_caller, entry, to) {
      const listener = namespaceOf(entry).find(to.name);
      awaited.set(to, listener);
      return [
        { entry, signals: 0, operation: false },
        { entry, object: listener, signals: Signals.WRITABLE, operation: true },
      ];
    },
  },

  listenerAccept({ task }, target) {
    const listener = listenerOf(target);
    const end = listener.first();
    if (end === WOULD_BLOCK) return WOULD_BLOCK;
    task.table.requireRoom(1);
    // Who connected paid for both ends so far; from now on this task pays for its own.
    const lease = task.account.lease(bufferBytesOf(end.socketType, end.incoming.capacityBytes));
    end.lease?.release();
    end.lease = lease;
    const number = task.install(end, SOCKET_RIGHTS);
    listener.take(); // lets in who waits to connect: by now nothing can fail any more
    return number;
  },
};

/** A stream's ring is there from the start; a message is charged to its sender when it is sent. */
function bufferBytesOf(type: SocketType, capacity: number): number {
  return type === "stream" ? capacity : 0;
}

/** Two new ends, each charged to the account, or neither. */
function chargedSocket(account: Account, settings: SocketSettings): [SocketEnd, SocketEnd] {
  const bufferBytes = bufferBytesOf(settings.socketType, settings.capacity);
  const firstLease = account.lease(bufferBytes);
  try {
    const secondLease = account.lease(bufferBytes);
    try {
      const [first, second] = newSocket(settings);
      first.lease = firstLease;
      second.lease = secondLease;
      return [first, second];
    } catch (error) {
      secondLease.release();
      throw error;
    }
  } catch (error) {
    firstLease.release();
    throw error;
  }
}

function newSocket(settings: SocketSettings): [SocketEnd, SocketEnd] {
  try {
    return createSocket(settings);
  } catch (cause) {
    if (cause instanceof KernelError) throw cause;
    throw new KernelError("NO_SPACE", `2 × ${settings.capacity} bytes of memory can't be had`, {
      cause,
    });
  }
}
