import { WeightsError } from '../errors.ts';

/** Names under which weights are saved as pickles. */
const PICKLE_FILE = /^((pytorch|adapter)_model.*\.bin|.*\.(pth|ckpt|pkl)|model.*\.pt)$/;

/** A zip archive, as torch.save writes them, and a bare pickle of protocol 2 to 5. */
const MAGICS: readonly ((start: Uint8Array) => boolean)[] = [
  ([a, b, c, d]) => a === 0x50 && b === 0x4b && c === 0x03 && d === 0x04,
  ([a, b]) => a === 0x80 && b !== undefined && b >= 2 && b <= 5,
];
const BRACE = 0x7b;

/**
 * Whether a file begins as a pickle does. The first two bytes of a safetensors file may look the same (they are its header's
 * length), but then its ninth is a brace.
 */
export function looksLikePickle(start: Uint8Array): boolean {
  return start[8] !== BRACE && MAGICS.some((is) => is(start));
}

/** The names among these that are pickles by custom. */
export function pickleNames(names: readonly string[]): readonly string[] {
  return names.filter((name) => PICKLE_FILE.test(name)).sort();
}

/** Says that what was found is a pickle. Reading one runs whatever code is in it. */
export function pickleRefused(path: string, found: string): WeightsError {
  const message = `${path}: found ${found}, expected safetensors, because reading a pickle runs the code in it; convert it to safetensors where it may be trusted (save_pretrained of transformers and peft does), or fetch the safetensors files.`;
  return new WeightsError('WEIGHTS_PICKLE_REFUSED', message, { path });
}
