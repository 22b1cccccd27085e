/** What the examples use of cli-progress, which brings no types of its own. */
export class SingleBar {
  constructor(options: {
    format: string;
    /** False, the default, takes line wrapping from the terminal until `stop`: Ctrl-C leaves it so. */
    linewrap: boolean;
  });
  start(total: number, startValue: number): void;
  update(value: number): void;
  stop(): void;
}
