// @ts-check
// The thread in which onnxruntime runs: its calls block the event loop that makes them. Plain JavaScript, because a thread
// does not inherit the hooks that let its parent run TypeScript. Its messages are typed in runtime-thread.ts.
import { createRequire } from 'node:module';
import { parentPort } from 'node:worker_threads';

if (parentPort === null) throw new Error('runtime-thread.mjs runs as a worker thread only');
const port = parentPort;

// Else onnxruntime reports each session to its maker, under an identifier that it leaves in the home folder.
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
/** @type {typeof import('onnxruntime-node')} */
const ort = createRequire(import.meta.url)('onnxruntime-node'); // an import would come before that, and takes longer

/** @typedef {import('onnxruntime-node').InferenceSession} InferenceSession */
/** @typedef {import('onnxruntime-node').Tensor} Tensor */
/** @typedef {import('./runtime-thread.ts').OpenMessage} OpenMessage */
/** @typedef {import('./runtime-thread.ts').RunMessage} RunMessage */
/** @typedef {import('./runtime-thread.ts').CacheUse} CacheUse */
/** @typedef {import('./runtime-thread.ts').ThreadMessage} ThreadMessage */
/** @typedef {import('../graph/call-writer.ts').Feed} Feed */

/** @type {InferenceSession | undefined} */
let session;
/**
 * What the cache of the open model looks like.
 * @type {OpenMessage['layout']}
 */
let layout = { names: [], heads: 0, headSize: 0 };
/**
 * What every later call is fed as well.
 * @type {Record<string, Tensor>}
 */
const kept = {};
/**
 * Keys and values of each layer, [rows, heads, room, headSize].
 * @typedef {{ readonly room: number; readonly buffers: readonly Float32Array[] }} Cache
 */
/**
 * By their ids.
 * @type {Map<number, Cache>}
 */
const caches = new Map();

/** @param {OpenMessage} message */
async function open({ model, root, threads, isPrepacked, layout: given }) {
  layout = given;
  session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4, // what fails is thrown as well
    extra: {
      session: {
        model_external_initializers_file_folder_path: root,
        disable_prepacking: isPrepacked ? '0' : '1',
        // Long enough to go on from one operator to the next without sleeping, too short to be in the way of other work.
        intra_op: threads > 1 ? { allow_spinning: '1', spin_duration_us: '100' } : { allow_spinning: '0' },
      },
    },
  });
  return {};
}

/** @param {RunMessage} message */
async function run({ feeds, kept: more, cache }) {
  if (session === undefined) throw new Error('no model is open');
  Object.assign(kept, toTensors(more));
  const own = cache.id === null ? null : cacheOf(cache.id, cache);
  const added = own === null ? [] : layout.names.map((names) => names.added);
  const inputs = { ...kept, ...toTensors(feeds), ...pastOf(cache, own) };
  const { logprobs, argmax, ...others } = await session.run(inputs, ['argmax', 'logprobs', ...added]);
  if (own !== null) added.forEach((name, index) => keep(cache, own, index, others[name]?.data));
  return { logProbabilities: logprobs?.data, likeliest: argmax?.data };
}

/**
 * The cache with room for what the call adds: twice as much as before where that is needed, up to the whole. Attention takes
 * the longer, the more room a cache has.
 * @param {number} id
 * @param {CacheUse} use
 * @returns {Cache}
 */
function cacheOf(id, { starts, lengths, allRows, room }) {
  const { names, heads, headSize } = layout;
  const before = caches.get(id) ?? { room: 0, buffers: names.map(() => new Float32Array(0)) };
  const needed = Math.max(...starts.map((start, row) => start + (lengths[row] ?? 0)));
  if (needed <= before.room) return before;
  const more = Math.min(room, Math.max(needed, 2 * before.room));
  const buffers = before.buffers.map((buffer) => {
    const larger = new Float32Array(allRows * heads * more * headSize);
    const [from, to] = [before.room * headSize, more * headSize];
    for (let head = 0; head * from < buffer.length; head += 1) {
      larger.set(buffer.subarray(head * from, (head + 1) * from), head * to);
    }
    return larger;
  });
  const cache = { room: more, buffers };
  caches.set(id, cache);
  return cache;
}

/**
 * Keys and values that a call's rows have read before: none in front of whole prompts.
 * @param {CacheUse} use
 * @param {Cache | null} cache
 */
function pastOf({ firstRow, rows, starts }, cache) {
  const { names, heads, headSize } = layout;
  const own = starts.every((start) => start === 0) ? null : cache;
  const row = heads * (own?.room ?? 0) * headSize;
  const dims = [rows, heads, own?.room ?? 0, headSize];
  return Object.fromEntries(
    names.map(({ past }, index) => {
      const buffer = own?.buffers[index]?.subarray(firstRow * row, (firstRow + rows) * row);
      return [past, new ort.Tensor('float32', buffer ?? new Float32Array(0), dims)];
    }),
  );
}

/**
 * Puts what a call added, [rows, columns, heads · headSize], into the cache.
 * @param {CacheUse} use
 * @param {Cache} cache
 * @param {number} index
 * @param {unknown} added
 */
function keep({ firstRow, rows, starts, lengths }, { room, buffers }, index, added) {
  const buffer = buffers[index];
  if (buffer === undefined || !(added instanceof Float32Array)) throw new Error('the graph adds nothing to the cache');
  const { heads, headSize } = layout;
  const columns = added.length / (rows * heads * headSize);
  starts.forEach((start, row) => {
    for (let column = 0; column < (lengths[row] ?? 0); column += 1) {
      for (let head = 0; head < heads; head += 1) {
        const from = ((row * columns + column) * heads + head) * headSize;
        const to = (((firstRow + row) * heads + head) * room + start + column) * headSize;
        buffer.set(added.subarray(from, from + headSize), to);
      }
    }
  });
}

/** @param {Extract<ThreadMessage, { kind: 'move' }>} message */
function move({ id, from, to, tokens }) {
  const { heads, headSize } = layout;
  const { room, buffers } = caches.get(id) ?? { room: 0, buffers: [] };
  for (const buffer of buffers) {
    for (let head = 0; head < heads; head += 1) {
      const source = (from * heads + head) * room * headSize;
      buffer.copyWithin((to * heads + head) * room * headSize, source, source + tokens * headSize);
    }
  }
}

/** @param {Readonly<Record<string, Feed>>} feeds */
function toTensors(feeds) {
  return Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, toTensor(feed)]));
}

/** @param {Feed} feed */
function toTensor({ type, data, dims }) {
  return new ort.Tensor(type, data, dims);
}

/** @param {() => Promise<object>} work */
async function answer(work) {
  try {
    port.postMessage({ kind: 'done', ...(await work()) });
  } catch (error) {
    port.postMessage({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}

/** @param {ThreadMessage} message */
async function handle(message) {
  switch (message.kind) {
    case 'open':
      return answer(() => open(message));
    case 'run':
      return answer(() => run(message));
    case 'move':
      return move(message);
    case 'drop':
      caches.delete(message.id);
      return undefined;
    case 'close':
      await session?.release();
      port.close();
      return undefined;
  }
}

/** @type {Promise<unknown>} */
let queue = Promise.resolve();
port.on('message', (/** @type {ThreadMessage} */ message) => {
  queue = queue.then(() => handle(message));
});
