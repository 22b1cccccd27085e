/**
 * Settings of an object, by number.
 *
 * @module
 */

/** Objects that have settings. */
export interface ControlOps {
  /** The commands that `control` takes. */
  readonly supportedControlCommands: readonly number[];
  /**
   * Carries out a command.
   *
   * @param command One of the supported commands.
   * @param argument A safe integer whose meaning the command defines.
   * @returns The command's answer, 0 where it has none.
   */
  control(command: number, argument: number): number;
}
