import { createFsArtifactStore } from '../../adapters/store/fs-artifact-store.ts';
import { digestOf } from './lineage-values.ts';

// Tries to move one ref from the value it sees, again and again; prints how often it did.
// Usage: swap-ref-racer.ts STORE NAME TRIES
const [root = '', name = '', tries = '0'] = process.argv.slice(2);
const store = createFsArtifactStore(root);
let won = 0;
for (let attempt = 0; attempt < Number(tries); attempt += 1) {
  const seen = await store.readRef('race');
  if ((await store.swapRef('race', seen, digestOf(`${name} ${String(attempt)}`))).swapped) won += 1;
}
console.log(won);
