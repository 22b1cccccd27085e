/** Has a function that another worker calls through comlink. */
import * as Comlink from "comlink";
import { started } from "./orders.ts";

const { port } = await started<{ port: MessagePort }>();
Comlink.expose({ echo: (bytes: Uint8Array) => bytes }, port);
