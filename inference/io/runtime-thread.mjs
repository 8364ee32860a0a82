// @ts-check
// The thread in which onnxruntime runs: its calls block the event loop that makes them. Plain JavaScript, because a thread
// does not inherit the hooks that let its parent run TypeScript. Its messages are typed in runtime-thread.ts.
import { parentPort, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';

if (parentPort === null) throw new Error('runtime-thread.mjs runs as a worker thread only');
const port = parentPort;

/** @typedef {import('./runtime-thread.ts').RuntimeThreadData} RuntimeThreadData */
/** @typedef {import('./runtime-thread.ts').RunMessage} RunMessage */
/** @typedef {import('./runtime-thread.ts').ThreadMessage} ThreadMessage */
/** @typedef {import('../graph/call-writer.ts').Feed} Feed */

/** @type {RuntimeThreadData} */
const { model, root, threads, isPrepacked, layout } = workerData;
const { names, heads, headSize } = layout;

/** @type {ort.InferenceSession.SessionOptions} */
const sessionOptions = {
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  logSeverityLevel: 4, // what fails is thrown as well
  extra: {
    session: {
      model_external_initializers_file_folder_path: root,
      disable_prepacking: isPrepacked ? '0' : '1',
      intra_op: { allow_spinning: '0' },
    },
  },
};

/**
 * What every later call is fed as well.
 * @type {Record<string, ort.Tensor>}
 */
const kept = {};
/**
 * Keys and values of each layer, [rows, heads, room, headSize], by the id of their cache.
 * @type {Map<number, { readonly room: number; readonly buffers: readonly Float32Array[] }>}
 */
const caches = new Map();
/**
 * Keys and values of a call that keeps none: its layers write one after another into the same two.
 * @type {[Float32Array, Float32Array]}
 */
let scratch = [new Float32Array(0), new Float32Array(0)];

/** @param {RunMessage} message */
async function run({ feeds, kept: more, cache }) {
  Object.assign(kept, toTensors(more));
  /** @type {Record<string, ort.Tensor>} */
  const inputs = { ...kept, ...toTensors(feeds) };
  /** @type {Record<string, ort.Tensor | null>} */
  const outputs = { argmax: null, logprobs: null };
  const dims = [cache.rows, heads, cache.room, headSize];
  const buffers = buffersOf(cache);
  names.forEach(({ past, present }, index) => {
    // The same tensor in and out: the cache is written in place.
    const tensor = new ort.Tensor('float32', buffers(index), dims);
    inputs[past] = tensor;
    outputs[present] = tensor;
  });
  const { logprobs, argmax } = await session.run(inputs, outputs);
  return { logProbabilities: logprobs?.data, likeliest: argmax?.data };
}

/**
 * @param {RunMessage['cache']} cache
 * @returns {(index: number) => Float32Array}
 */
function buffersOf({ id, firstRow, rows, room, allRows }) {
  const row = heads * room * headSize;
  if (id === null) {
    if (scratch[0].length < rows * row) scratch = [new Float32Array(rows * row), new Float32Array(rows * row)];
    return (index) => (scratch[index % 2] ?? scratch[0]).subarray(0, rows * row);
  }
  const own = caches.get(id) ?? { room, buffers: names.map(() => new Float32Array(allRows * row)) };
  caches.set(id, own);
  return (index) => (own.buffers[index] ?? scratch[0]).subarray(firstRow * row, (firstRow + rows) * row);
}

/** @param {Extract<ThreadMessage, { kind: 'move' }>} message */
function move({ id, from, to, tokens }) {
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
    case 'run':
      return answer(() => run(message));
    case 'move':
      return move(message);
    case 'drop':
      caches.delete(message.id);
      return undefined;
    case 'close':
      await session.release();
      port.close();
      return undefined;
  }
}

/** @type {ort.InferenceSession} */
let session;
let queue = answer(async () => {
  session = await ort.InferenceSession.create(model, sessionOptions);
  return {};
});
port.on('message', (/** @type {ThreadMessage} */ message) => {
  queue = queue.then(() => handle(message));
});
