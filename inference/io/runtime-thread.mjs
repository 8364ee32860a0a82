// @ts-check
// The thread in which onnxruntime runs: its calls block the event loop that makes them. Plain JavaScript, because a thread
// does not inherit the hooks that let its parent run TypeScript. Its messages are typed in runtime-thread.ts.
import { parentPort, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';

if (parentPort === null) throw new Error('runtime-thread.mjs runs as a worker thread only');
const port = parentPort;

/** @typedef {import('./runtime-thread.ts').RuntimeThreadData} RuntimeThreadData */
/** @typedef {import('./runtime-thread.ts').RunMessage} RunMessage */

/** @type {RuntimeThreadData} */
const { model, root, threads } = workerData;

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
      disable_prepacking: '1', // repacked weights would be a second copy in memory
      intra_op: { allow_spinning: '0' },
    },
  },
};

/** @param {RunMessage} message */
async function run({ rows, columns, inputIds, lengths, positions, targets, tables }) {
  const half = tables.cos.length / tables.positions;
  const { logprobs, argmax } = await session.run({
    input_ids: new ort.Tensor('int64', inputIds, [rows, columns]),
    seqlens_k: new ort.Tensor(
      'int32',
      lengths.map((length) => length - 1),
      [rows],
    ),
    total_sequence_length: new ort.Tensor('int32', Int32Array.of(columns), []),
    cos: new ort.Tensor('float32', tables.cos, [tables.positions, half]),
    sin: new ort.Tensor('float32', tables.sin, [tables.positions, half]),
    rows: new ort.Tensor('int64', positions, [positions.length]),
    targets: new ort.Tensor('int64', targets, [targets.length]),
  });
  return { logProbabilities: logprobs?.data, likeliest: argmax?.data };
}

/** @param {() => Promise<object>} work */
async function answer(work) {
  try {
    port.postMessage({ kind: 'done', ...(await work()) });
  } catch (error) {
    port.postMessage({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}

/** @type {ort.InferenceSession} */
let session;
let queue = answer(async () => {
  session = await ort.InferenceSession.create(model, sessionOptions);
  return {};
});
port.on('message', (/** @type {RunMessage | { readonly kind: 'close' }} */ message) => {
  queue = queue.then(() => (message.kind === 'run' ? answer(() => run(message)) : close()));
});

async function close() {
  await session.release();
  port.close();
}
