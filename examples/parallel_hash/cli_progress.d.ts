/** What parallel_hash.ts uses of cli-progress, which brings no types of its own. */
export class SingleBar {
  constructor(options: { format: string });
  start(total: number, startValue: number): void;
  update(value: number): void;
  stop(): void;
}
