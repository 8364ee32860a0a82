/** State of a generator: four 32-bit words, not all 0. It is changed by drawing. */
export type RandomState = Uint32Array;

/**
 * A state that depends on every character of the names, and on their order: each word is an FNV-1a hash with a start of
 * its own, stirred by the finalizer of MurmurHash3. Not for secrets.
 */
export function randomState(...names: readonly string[]): RandomState {
  const text = names.join('\n');
  const state = new Uint32Array(4);
  for (let word = 0; word < 4; word += 1) {
    let hash = 0x811c9dc5 ^ Math.imul(word, 0x9e3779b9);
    for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    state[word] = (hash ^ (hash >>> 16)) | (word === 0 ? 1 : 0);
  }
  return state;
}

/** The next whole number from 0 to 2³² − 1 of xoshiro128** (Blackman and Vigna 2018, public domain). */
export function nextUint32(state: RandomState): number {
  const first = state[0] ?? 0;
  const second = state[1] ?? 0;
  const scrambled = Math.imul(second, 5);
  const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
  const mixedThird = (state[2] ?? 0) ^ first;
  const mixedFourth = (state[3] ?? 0) ^ second;
  state[0] = first ^ mixedFourth;
  state[1] = second ^ mixedThird;
  state[2] = mixedThird ^ (second << 9);
  state[3] = (mixedFourth << 11) | (mixedFourth >>> 21);
  return result;
}

/** The next number from 0 to 1, 1 excluded, on a grid of 2⁻³². */
export function nextShare(state: RandomState): number {
  return nextUint32(state) / 4_294_967_296;
}
