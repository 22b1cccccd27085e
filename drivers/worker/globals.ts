/**
 * What becomes of each global in a task's worker: the allow-list and the reason for each entry.
 *
 * Only what is listed under "keep" or "replace" survives the lock; a global that nobody decided
 * about is removed. A test enumerates the globals of the running Deno and fails when it finds one
 * that this table doesn't name, so that a new one gets a decision.
 *
 * Always holds: no name appears twice.
 *
 * @module
 */

/** keep: as it is; replace: the lock defines its own; remove: gone. */
export type GlobalDecision = "keep" | "replace" | "remove";

/** One decision, its reason, and the globals that it holds for. */
export interface GlobalRule {
  readonly decision: GlobalDecision;
  /** Why: what it gives to a task, or what it would give away. */
  readonly because: string;
  /** Names, parted by spaces. */
  readonly names: string;
}

/** The table. */
export const GLOBAL_RULES: readonly GlobalRule[] = [
  {
    decision: "keep",
    because: "the language: values and functions of this realm, no authority",
    names: `Array ArrayBuffer AggregateError AsyncDisposableStack Atomics BigInt BigInt64Array
      BigUint64Array Boolean DataView Date DisposableStack Error EvalError FinalizationRegistry
      Float16Array Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array Intl
      Iterator JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect RegExp
      Set SharedArrayBuffer String SuppressedError Symbol SyntaxError Temporal TypeError URIError
      Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet decodeURI
      decodeURIComponent encodeURI encodeURIComponent escape isFinite isNaN parseFloat parseInt
      undefined unescape`,
  },
  {
    decision: "keep",
    because: "code made at run time sees the same globals and the same module hooks",
    names: "eval globalThis",
  },
  {
    decision: "keep",
    because: "events and cancellation between objects of the task's own",
    names: `AbortController AbortSignal CustomEvent DOMException ErrorEvent Event EventTarget
      QuotaExceededError`,
  },
  {
    decision: "keep",
    because: "streams and codecs in memory; a pipe's `readable` and `writable` are such streams",
    names: `ByteLengthQueuingStrategy CompressionStream CountQueuingStrategy DecompressionStream
      ReadableByteStreamController ReadableStream ReadableStreamBYOBReader ReadableStreamBYOBRequest
      ReadableStreamDefaultController ReadableStreamDefaultReader TextDecoder TextDecoderStream
      TextEncoder TextEncoderStream TransformStream TransformStreamDefaultController WritableStream
      WritableStreamDefaultController WritableStreamDefaultWriter atob btoa`,
  },
  {
    decision: "keep",
    because: "computes on its arguments alone",
    names: `Crypto CryptoKey SubtleCrypto URLPattern URLSearchParams crypto queueMicrotask
      structuredClone`,
  },
  {
    decision: "replace",
    because: "the same global object, as a plain property instead of Deno's accessor",
    names: "self",
  },
  {
    decision: "replace",
    because: "what a task prints goes to its stderr handle, not to the host's terminal",
    names: "console",
  },
  {
    decision: "replace",
    because:
      "Deno's timers are Node's: their objects lead to other timers, and a delay out of range " +
      "writes a warning on the host's stderr; the lock's give numbers and clamp",
    names: "clearInterval clearTimeout setInterval setTimeout",
  },
  {
    decision: "replace",
    because: "the time and nothing else: marks and observers reach Node's performance hooks",
    names: "performance",
  },
  {
    decision: "replace",
    because:
      "without `createObjectURL`, whose store belongs to the whole process and outlives the task",
    names: "URL",
  },
  {
    decision: "replace",
    because: "without the streaming compilers, which take what only a fetch gives",
    names: "WebAssembly",
  },
  {
    decision: "remove",
    because: "processes, files, the network, signals: all of the host's authority",
    names: "Deno process",
  },
  {
    decision: "remove",
    because: "Node's globals; code that needs them needs `node:` modules, which are denied",
    names: "Buffer clearImmediate global nodeBootstrap setImmediate",
  },
  {
    decision: "remove",
    because: "the network, and the process-wide cache",
    names: `Cache CacheStorage CSSRule CSSStyleSheet EventSource Headers Request Response WebSocket
      WebSocketError WebSocketStream WebTransport WebTransportBidirectionalStream
      WebTransportDatagramDuplexStream WebTransportError WebTransportReceiveStream
      WebTransportSendGroup WebTransportSendStream caches fetch`,
  },
  {
    decision: "remove",
    because: "their bytes live in a store of the whole process, which a killed task doesn't free",
    names: "Blob File FileReader FormData",
  },
  {
    decision: "remove",
    because: "speaks to other isolates without a handle, or makes new ones that aren't locked",
    names: "BroadcastChannel Lock LockManager MessageChannel MessagePort Worker",
  },
  {
    decision: "remove",
    because: "the parent's port: only the lock speaks to the kernel through it",
    names: "close name onerror onmessage onunhandledrejection postMessage reportError",
  },
  {
    decision: "remove",
    because: "events that nothing in a task sends",
    names: "CloseEvent MessageEvent ProgressEvent PromiseRejectionEvent",
  },
  {
    decision: "remove",
    because: "says where and on what machine the task runs",
    names: `DedicatedWorkerGlobalScope NavigatorUAData WorkerGlobalScope WorkerLocation
      WorkerNavigator location navigator`,
  },
  {
    decision: "remove",
    because: "see `performance`",
    names: `Performance PerformanceEntry PerformanceMark PerformanceMeasure PerformanceObserver
      PerformanceObserverEntryList`,
  },
  {
    decision: "remove",
    because:
      "devices and native decoders: much code outside the sandbox, of no use without a screen",
    names: `DOMMatrix DOMMatrixReadOnly DOMPoint DOMPointReadOnly DOMQuad DOMRect DOMRectReadOnly
      GPU GPUAdapter GPUAdapterInfo GPUBindGroup GPUBindGroupLayout GPUBuffer GPUBufferUsage
      GPUCanvasContext GPUColorWrite GPUCommandBuffer GPUCommandEncoder GPUCompilationInfo
      GPUCompilationMessage GPUComputePassEncoder GPUComputePipeline GPUDevice GPUDeviceLostInfo
      GPUError GPUInternalError GPUMapMode GPUOutOfMemoryError GPUPipelineError GPUPipelineLayout
      GPUQuerySet GPUQueue GPURenderBundle GPURenderBundleEncoder GPURenderPassEncoder
      GPURenderPipeline GPUSampler GPUShaderModule GPUShaderStage GPUSupportedFeatures
      GPUSupportedLimits GPUTexture GPUTextureUsage GPUTextureView GPUUncapturedErrorEvent
      GPUValidationError ImageBitmap ImageBitmapRenderingContext ImageData OffscreenCanvas
      createImageBitmap`,
  },
  {
    decision: "remove",
    because: "Deno's own marks on the global object, by the description of their symbols",
    names: "Symbol() Symbol([[webidl.brand]])",
  },
];

/** The decision for each name in the table. */
export const GLOBAL_DECISIONS: ReadonlyMap<string, GlobalDecision> = new Map(
  GLOBAL_RULES.flatMap(({ decision, names }) =>
    names.split(/\s+/).map((name): [string, GlobalDecision] => [name, decision])
  ),
);
