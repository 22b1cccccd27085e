/**
 * What a call that is refused fails with.
 *
 * @module
 */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type ErrorCode, KernelError } from "../capabilities/errors.ts";

/** The code of the error that a call throws. */
export function codeOf(call: () => unknown): ErrorCode {
  return assertThrows(call, KernelError).code;
}

/** The code of the error that a promise rejects with. */
export async function rejectionOf(promise: unknown): Promise<ErrorCode> {
  return (await assertRejects(() => promise as Promise<unknown>, KernelError)).code;
}

/** The error that a call throws, which has to have the code. */
export function assertCode(code: ErrorCode, call: () => unknown): KernelError {
  const error = assertThrows(call, KernelError);
  assertEquals(error.code, code, error.message);
  return error;
}

/** The error that a promise rejects with, which has to have the code. */
export async function assertFails(
  code: ErrorCode,
  promise: Promise<unknown>,
): Promise<KernelError> {
  const error = await assertRejects(() => promise, KernelError);
  assertEquals(error.code, code, error.message);
  return error;
}
