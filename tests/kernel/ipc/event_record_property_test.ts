import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type Event,
  type EventContent,
  type EventDelivery,
  type EventPayload,
  type EventPriority,
  PROCESS_CONTROLS,
  type ProcessControl,
} from "../../../capabilities/event_ops.ts";
import { EventError } from "../../../capabilities/errors.ts";
import { decodeEvent, encodeEvent } from "../../../kernel/ipc/event_record.ts";

const id = fc.nat();
const whole = fc.maxSafeInteger();
const words = fc.string({ unit: "binary" });
const reliable = fc.boolean();
const typed = <T extends string>(type: T) => fc.constant(type);

const deliveries = (priority: EventPriority): fc.Arbitrary<EventDelivery> => {
  const at = fc.constant(priority);
  return fc.oneof(
    fc.record({ type: typed("direct"), target: id, priority: at, reliable }),
    fc.record({ type: typed("channel"), channelId: words, priority: at }),
    fc.record({
      type: typed("group"),
      target: fc.oneof(
        fc.record({ type: typed("taskGroup"), id }),
        fc.record({ type: typed("session"), id }),
        fc.record({ type: typed("custom"), name: words }),
        fc.record({ type: typed("allTasks") }),
      ),
      priority: at,
      reliable,
    }),
    fc.record({ type: typed("broadcast"), priority: at, reliable }),
  );
};
const contents: fc.Arbitrary<EventContent> = fc.oneof(
  fc.record({
    type: typed("processControl"),
    control: fc.oneof(
      fc.constantFrom<ProcessControl[]>(...PROCESS_CONTROLS),
      fc.record({ user: whole }),
    ),
  }),
  fc.record({ type: typed("message"), messageType: whole, category: words }),
  fc.record({ type: typed("notification"), notification: words }),
  fc.record({ type: typed("custom"), namespace: words, eventId: whole }),
);
const payloads: fc.Arbitrary<EventPayload> = fc.oneof(
  fc.record({ type: typed("empty") }),
  fc.record({
    type: typed("integer"),
    value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  }),
  fc.record({ type: typed("bytes"), value: fc.uint8Array() }),
  fc.record({ type: typed("string"), value: words }),
  fc.record({ type: typed("custom"), value: fc.uint8Array() }),
);
const events: fc.Arbitrary<Event> = fc.constantFrom<EventPriority[]>(1, 2, 3, 4).chain((priority) =>
  fc.record({
    delivery: deliveries(priority),
    content: contents,
    payload: payloads,
    metadata: fc.record({
      eventId: id,
      sender: id,
      timestampMs: fc.double({ noNaN: true }),
      priority: fc.constant(priority),
    }),
  })
);

/** The same without the null prototypes that fast-check gives some objects. */
const plain = (event: Event): Event => structuredClone(event);

Deno.test("decodeEvent() gives back what encodeEvent() was given", () => {
  fc.assert(fc.property(events, (event) => {
    const bytes = encodeEvent(event);
    assertEquals(decodeEvent(bytes), plain(event));
    const at = new Uint8Array(bytes.length + 3);
    at.set(bytes, 3);
    assertEquals(decodeEvent(at.subarray(3)), plain(event));
  }));
});

Deno.test("decodeEvent() refuses what is no record, and nothing else comes of it", () => {
  fc.assert(fc.property(events, fc.nat(), fc.nat(255), (event, at, value) => {
    const bytes = encodeEvent(event);
    bytes[at % bytes.length] = value;
    try {
      decodeEvent(bytes);
    } catch (error) {
      assert(error instanceof EventError && error.code === "INVALID_ARGUMENT");
    }
    assertThrows(() => decodeEvent(bytes.subarray(0, at % bytes.length)), EventError);
  }));
});
