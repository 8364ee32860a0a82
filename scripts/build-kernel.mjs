// @ts-check
// Compiles weights/kernel into weights/ops/kernel.wasm, which is kept in the repository so that nobody needs a compiler to run
// it; with --check changes nothing and ends with 1 where the compiled file is not what the sources give.
//   node scripts/build-kernel.mjs [--check]
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ENTRY = 'weights/kernel/index.ts';
const COMPILED = 'weights/ops/kernel.wasm';
// No option may let the compiler regroup or fuse floating-point operations: the bits are a promise.
const OPTIONS = ['-O3', '--runtime', 'stub', '--enable', 'simd', '--importMemory', '--noAssert'];

/** @param {readonly string[]} args @returns {Promise<number>} the exit status */
async function main(args) {
  const unknown = args.filter((argument) => argument !== '--check');
  if (unknown.length > 0) {
    console.error(`build-kernel: unknown argument ${unknown.join(' ')}, expected --check or nothing.`);
    return 2;
  }
  const { binary, problems } = await compileKernel();
  if (binary === null) {
    console.error(problems);
    return 1;
  }
  const file = join(ROOT, COMPILED);
  if (existsSync(file) && binary.equals(readFileSync(file))) return 0;
  if (args.includes('--check')) {
    console.error(`${COMPILED}: is not what weights/kernel compiles to; run \`npm run build:kernel\`.`);
    return 1;
  }
  // A reader sees the old kernel or the new one, never half of it.
  writeFileSync(`${file}.new`, binary);
  renameSync(`${file}.new`, file);
  console.log(`${COMPILED}: ${binary.length} bytes`);
  return 0;
}

/**
 * @typedef {object} Compiler
 * @property {(args: readonly string[], options: CompilerOptions) => Promise<{ error: Error | null, stderr: object }>} main
 * @typedef {object} CompilerOptions
 * @property {(name: string, contents: Uint8Array | string) => void} writeFile
 */

/** The compiled module, or what the compiler has against the sources. */
async function compileKernel() {
  // As any string: the compiler's own types declare globals that would reach the whole project.
  const { main: compile } = /** @type {Compiler} */ (await import(/** @type {string} */ ('assemblyscript/asc')));
  /** @type {Buffer | null} */
  let binary = null;
  const { error, stderr } = await compile([ENTRY, '--baseDir', ROOT, '--outFile', 'kernel.wasm', ...OPTIONS], {
    writeFile: (_name, contents) => {
      binary = Buffer.from(contents);
    },
  });
  return error === null
    ? { binary: /** @type {Buffer | null} */ (binary), problems: 'build-kernel: the compiler wrote nothing.' }
    : { binary: null, problems: stderr.toString() };
}

process.exitCode = await main(process.argv.slice(2));
