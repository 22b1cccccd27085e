/** Loaded when its importer runs already. */
export { PipeReader as Reader } from "@carmine/kernel";
export { task } from "@carmine/kernel/task";
