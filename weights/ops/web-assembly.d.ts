/** As much of the WebAssembly JavaScript interface as the engine uses; the type library that has it brings a browser along. */
declare namespace WebAssembly {
  /** Compiled code; may be posted to other threads. */
  interface Module {
    readonly [Symbol.toStringTag]: string;
  }
  /** Compiles at once. Throws CompileError where the bytes are not a module. */
  const Module: new (bytes: Uint8Array<ArrayBuffer>) => Module;

  class Instance {
    /** Throws LinkError where the module wants something else than what it is given. */
    constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, Memory>>>>);
    readonly exports: Readonly<Record<string, unknown>>;
  }

  class Memory {
    /** Pages of 64 KiB. Throws RangeError where the machine cannot give as many. */
    constructor(size: { readonly initial: number; readonly maximum: number });
    readonly buffer: ArrayBuffer;
  }
}
