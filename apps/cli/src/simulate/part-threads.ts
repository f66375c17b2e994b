import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SimulationOptions } from '@protego/simulation';
import { asThrown } from '../thread-error';
import { slicesOfPart, type HistoryPart, type PartMakerOptions, type PartOrder } from './history-part';

/** Most threads of one history. */
export const THREADS_MAX = 64;

/**
 * The parts of a history in order, made by a number of threads; each has one part in hand, so that memory holds as many parts as
 * there are threads, and one that waits to be written for each.
 */
export async function* partsByThreads(
  simulation: SimulationOptions,
  sliceCount: number,
  threadCount: number,
): AsyncGenerator<HistoryPart, undefined, undefined> {
  const orders = ordersOf(sliceCount);
  const options: PartMakerOptions = { simulation };
  const threads = Array.from({ length: Math.min(threadCount, orders.length) }, () => new PartThread(options));
  try {
    const made: Promise<HistoryPart>[] = [];
    for (const [index, order] of orders.entries()) {
      made.push((threads[index % threads.length] as PartThread).make(order));
      if (made.length >= threads.length * 2) yield await (made.shift() as Promise<HistoryPart>);
    }
    while (made.length > 0) yield await (made.shift() as Promise<HistoryPart>);
  } finally {
    await Promise.all(threads.map((thread) => thread.stop()));
  }
  return undefined;
}

function ordersOf(sliceCount: number): PartOrder[] {
  const orders: PartOrder[] = [];
  const step = slicesOfPart(sliceCount);
  for (let fromSlice = 0; fromSlice < sliceCount; fromSlice += step)
    orders.push({ fromSlice, toSlice: Math.min(fromSlice + step, sliceCount) });
  return orders;
}

interface Waiting {
  readonly resolve: (part: HistoryPart) => void;
  readonly reject: (error: Error) => void;
}

/** Events of a slice live as long as the slice; where they survive a collection or two, all goes a fifth slower. */
const YOUNG_MIB_MAX = 192;

/** One thread; it makes its parts in the order in which it was told. */
class PartThread {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #failure: Error | undefined;

  constructor(workerData: PartMakerOptions) {
    const options = { workerData, name: 'simulate', resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB_MAX } };
    this.#worker = new Worker(join(__dirname, 'part-thread.js'), options);
    this.#worker.on('message', (part: HistoryPart) => this.#waiting.shift()?.resolve(part));
    this.#worker.on('error', (error: Error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('a thread of the simulation ended')));
  }

  make(order: PartOrder): Promise<HistoryPart> {
    const made = new Promise<HistoryPart>((resolve, reject) => {
      if (this.#failure !== undefined) reject(this.#failure);
      else this.#waiting.push({ resolve, reject });
    });
    // It is awaited later than others; one that fails early must not end the process.
    made.catch(() => undefined);
    this.#worker.postMessage(order);
    return made;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= asThrown(error);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
