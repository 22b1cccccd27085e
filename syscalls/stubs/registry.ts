/**
 * Which class a program gets for a handle to an object of which type.
 *
 * @module
 */
import { KernelError } from "../../capabilities/errors.ts";
import type { HandleArrival } from "../../capabilities/message_ops.ts";
import type { Rights } from "../../capabilities/rights.ts";
import type { Door } from "../door.ts";
import { SYSCALLS } from "../table.ts";
import { done, type Handle, HandleOrigin } from "./handle.ts";

type HandleClass<H extends Handle> = new (...origin: never[]) => H;

const classes = new Map<string, HandleClass<Handle>>();

/** Says which class handles to objects of a type have. */
export function register(type: string, Class: HandleClass<Handle>): void {
  classes.set(type, Class);
}

/** A typed handle for a number whose type and rights are known. */
export function makeHandle<H extends Handle>(
  Class: HandleClass<H>,
  door: Door,
  number: number,
  type: string,
  rights: Rights,
): H {
  return new (Class as unknown as new (origin: HandleOrigin) => H)(
    new HandleOrigin(door, number, type, rights),
  );
}

/** A typed handle for one that has arrived in a message; closed if it was revoked on its way. */
export function adoptArrival(door: Door, { number, type, rights }: HandleArrival): Handle {
  return makeHandle(classOf(type), door, number, type, rights);
}

/** A typed handle for a number that the kernel just gave to this task. */
export function adopt(door: Door, number: number): Handle {
  const { type, rights } = done(door.call(SYSCALLS.handleQuery, number));
  return makeHandle(classOf(type), door, number, type, rights);
}

function classOf(type: string): HandleClass<Handle> {
  const Class = classes.get(type);
  if (Class !== undefined) return Class;
  throw new KernelError("WRONG_TYPE", `No handle class is known for a ${type}`);
}
