/** Sockets, namespaces and listeners, 650-679. @module */
import { KernelError } from "../../capabilities/errors.ts";
import type { HandleEntry } from "../../capabilities/handle.ts";
import { COMMON_RIGHTS, describeRights, Rights } from "../../capabilities/rights.ts";
import { Signals } from "../../capabilities/signals.ts";
import {
  DEFAULT_BACKLOG,
  DEFAULT_SOCKET_CAPACITY,
  type ShutdownHow,
} from "../../capabilities/socket_ops.ts";
import { WOULD_BLOCK } from "../../capabilities/stream_ops.ts";
import type { ListenerObject } from "../../kernel/ipc/listener.ts";
import { type NamedListener, NamespaceObject } from "../../kernel/ipc/namespace.ts";
import type { SocketEnd } from "../../kernel/ipc/socket.ts";
import { createChargedSocket } from "../../kernel/ipc/socket_pair.ts";
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
    const [first, second] = createChargedSocket(task.account, {
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
      const [client, server] = createChargedSocket(task.account, {
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
    const lease = task.account.lease(end.bufferBytes);
    end.lease?.release();
    end.lease = lease;
    const number = task.install(end, SOCKET_RIGHTS);
    listener.take(); // lets in who waits to connect: by now nothing can fail any more
    return number;
  },
};
