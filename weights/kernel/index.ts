// The compiled kernel: AssemblyScript, not TypeScript. `npm run build:kernel` makes weights/ops/kernel.wasm of it, and
// weights/ops/wasm-kernel.ts is its one caller, which has checked that every operand lies inside the memory.
export { applyBf16, applyF16, applyF32 } from './apply';
export { add, addScaled, scale, subtract } from './combine';
export { countNewNonFinite, countNonFinite } from './count';
export { decodeBf16, decodeF16, decodeF32, decodeF64 } from './decode';
export { encodeBf16, encodeF16, encodeF32, encodeF64 } from './encode';
export { measure } from './measure';
export { recycleBf16, recycleF16, recycleF32 } from './recycle';
