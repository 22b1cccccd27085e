/** Calls the kernel: synchronously, or many calls at once. */
import { Counter } from "@carmine/kernel";
import { task } from "@carmine/kernel/task";
import { serveOrders } from "./task_orders.ts";

/** Calls that go under one doorbell. */
const AT_ONCE = 100;

const counter = task.handle("counter", Counter);

await serveOrders(
  task.args[0] === "sync"
    ? (operations) => {
      for (let i = 0; i < operations; i++) counter.tryAdd(0);
    }
    : async (operations) => {
      for (let i = 0; i < operations; i += AT_ONCE) {
        await Promise.all(Array.from({ length: AT_ONCE }, () => counter.add(0)));
      }
    },
);
