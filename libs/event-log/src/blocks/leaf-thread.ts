import { Worker } from 'node:worker_threads';
import type { RawBlock } from './block-builder';
import { CALLER_AT } from '../sha256/lanes-module';
import { sha256LanesModule } from '../sha256/sha256-lanes';

/**
 * Hashes a block's leaves and every node that has no other leaves under it, height after height, then compresses the
 * payload over itself. It answers with the compressed bytes, or 0 when the payload is better left as it is.
 */
const THREAD_SOURCE = `
const { parentPort, workerData } = require('node:worker_threads');
const { compressSync } = require(workerData.lz4);
const HASH_BYTES = 32;
const lanes = new WebAssembly.Instance(workerData.lanes).exports;
lanes.prepare();
function roomAt(at, bytes) {
  const missing = at + bytes - lanes.memory.buffer.byteLength;
  if (missing > 0) lanes.memory.grow(Math.ceil(missing / 65536));
  return new Uint8Array(lanes.memory.buffer);
}
function hashLeaves(payload, nodes, count) {
  const digestsAt = workerData.callerAt + payload.length;
  const room = roomAt(digestsAt, (count + 4) * HASH_BYTES);
  room.set(payload, workerData.callerAt);
  lanes.messages(workerData.callerAt, digestsAt, count, digestsAt);
  nodes.set(room.subarray(digestsAt, digestsAt + count * HASH_BYTES));
}
function hashNodes(nodes, firstSeq, count) {
  let first = firstSeq;
  let end = firstSeq + count;
  let level = 0;
  let to = count * HASH_BYTES;
  for (;;) {
    const firstParent = Math.ceil(first / 2);
    const endParent = Math.floor(end / 2);
    const parents = endParent - firstParent;
    if (parents <= 0) return;
    const from = level + (2 * firstParent - first) * HASH_BYTES;
    const pairsAt = workerData.callerAt + HASH_BYTES;
    const digestsAt = pairsAt + (parents + 4) * 2 * HASH_BYTES;
    const room = roomAt(digestsAt, (parents + 4) * HASH_BYTES);
    room.set(nodes.subarray(from, from + parents * 2 * HASH_BYTES), pairsAt);
    lanes.pairs(pairsAt, parents, digestsAt);
    nodes.set(room.subarray(digestsAt, digestsAt + parents * HASH_BYTES), to);
    level = to;
    to += parents * HASH_BYTES;
    first = firstParent;
    end = endParent;
  }
}
parentPort.on('message', (task) => {
  const { firstSeq, count, at, length } = task;
  const payload = Buffer.from(task.bytes, at, length);
  const nodes = Buffer.from(task.nodes);
  hashLeaves(payload, nodes, count);
  hashNodes(nodes, firstSeq, count);
  const compressed = compressSync(payload);
  const isSmaller = compressed.length < length;
  if (isSmaller) compressed.copy(payload);
  parentPort.postMessage(isSmaller ? compressed.length : 0);
});
parentPort.postMessage('ready');
`;

interface Task {
  resolve(compressedBytes: number): void;
  reject(failure: Error): void;
}

/**
 * A thread that hashes and compresses blocks in the order in which they are given. It takes them where they lie. While
 * it has nothing to do it does not keep the process alive.
 */
export class LeafThread {
  private worker: Worker | undefined;
  private readonly tasks: Task[] = [];
  private isUp = false;
  private wasStarted = false;

  /** True when blocks can be given. A thread that ended is not started again. */
  get isReady(): boolean {
    return this.isUp;
  }

  /** Number of blocks that were given and are not done. */
  get pending(): number {
    return this.tasks.length;
  }

  /** Starts the thread; it is ready some time later. Further calls do nothing. */
  start(): void {
    if (this.wasStarted) return;
    this.wasStarted = true;
    const workerData = { lz4: require.resolve('lz4-napi'), lanes: sha256LanesModule(), callerAt: CALLER_AT };
    const worker = new Worker(THREAD_SOURCE, { eval: true, name: 'log-leaves', execArgv: [], workerData });
    this.worker = worker;
    worker.unref();
    worker.on('message', (message: number | 'ready') => this.hear(message));
    worker.on('error', (failure) => this.end(failure));
    worker.on('exit', () => this.end(new Error('the thread that hashes leaves ended')));
  }

  /**
   * Hashes the leaves into the block's nodes, with the nodes that lie over them alone, and compresses the payload over
   * itself; resolves with the compressed bytes, 0 when the payload was left as it is. Rejects when the thread ended.
   */
  run({ memory, payload, firstSeq, count }: RawBlock): Promise<number> {
    const { worker } = this;
    if (worker === undefined || !this.isUp) return Promise.reject(new Error('no thread hashes leaves'));
    const { bytes, nodes } = memory;
    const at = payload.byteOffset;
    worker.ref();
    return new Promise((resolve, reject) => {
      this.tasks.push({ resolve, reject });
      worker.postMessage({ bytes: bytes.buffer, nodes: nodes.buffer, at, length: payload.length, firstSeq, count });
    });
  }

  /** Ends the thread; what it has not done is rejected. */
  async close(): Promise<void> {
    this.wasStarted = true;
    await this.worker?.terminate();
  }

  private hear(message: number | 'ready'): void {
    if (message === 'ready') {
      this.isUp = true;
      return;
    }
    this.tasks.shift()?.resolve(message);
    if (this.tasks.length === 0) this.worker?.unref();
  }

  private end(failure: Error): void {
    this.isUp = false;
    this.worker = undefined;
    for (const { reject } of this.tasks.splice(0)) reject(failure);
  }
}
