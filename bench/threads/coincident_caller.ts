/** Calls a function of the main isolate through coincident, which blocks. */
import coincident from "coincident/worker";

interface Main {
  add(n: number): boolean;
  ready(): void;
  run: (operations: number) => void;
}

const { proxy } = await coincident() as unknown as { proxy: Main };
proxy.run = (operations) => {
  for (let i = 0; i < operations; i++) proxy.add(0);
};
proxy.ready();
