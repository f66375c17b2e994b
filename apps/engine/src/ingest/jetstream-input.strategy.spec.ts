import { Logger } from '@nestjs/common';
import type { JsMsg, NatsConnection } from 'nats';
import {
  BATCHES_IN_FLIGHT_MAX,
  INPUT_BATCH_PATTERN,
  JetStreamInputStrategy,
  type InputVerdict,
} from './jetstream-input.strategy';

const BATCH_EVENTS = 3;

/** A consumer that delivers what it is given, and counts what was read of it. */
class Feed {
  read = 0;
  private readonly queue: JsMsg[] = [];
  private wake: () => void = () => undefined;
  private isClosed = false;

  deliver(message: JsMsg): void {
    this.queue.push(message);
    this.wake();
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.wake();
    return Promise.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JsMsg> {
    while (!this.isClosed) {
      const next = this.queue.shift();
      if (next === undefined) await new Promise<void>((resolve) => (this.wake = resolve));
      else {
        this.read++;
        yield next;
      }
    }
  }
}

interface Batch {
  readonly seqs: number[];
  answer(verdicts: InputVerdict[]): void;
  fail(error: unknown): void;
}

/** A strategy with a handler that answers when it is told to. */
class Workbench {
  readonly feed = new Feed();
  readonly batches: Batch[] = [];
  readonly acknowledged: number[] = [];
  readonly returned: number[] = [];
  readonly strategy: JetStreamInputStrategy;

  constructor() {
    const consumers = { info: async () => undefined, add: async () => undefined, delete: async () => undefined };
    const connection = {
      jetstreamManager: async () => ({ consumers }),
      jetstream: () => ({ consumers: { get: async () => ({ consume: async () => this.feed }) } }),
      isClosed: () => false,
    };
    this.strategy = new JetStreamInputStrategy(
      connection as unknown as NatsConnection,
      BATCH_EVENTS,
      'a log',
      () => undefined,
    );
    this.strategy.addHandler(INPUT_BATCH_PATTERN, (messages: readonly JsMsg[]) => {
      return new Promise((resolve, reject) => {
        this.batches.push({ seqs: messages.map(({ seq }) => seq), answer: resolve, fail: reject });
      });
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.strategy.listen((error) => (error === undefined ? resolve() : reject(error as Error)));
    });
  }

  send(from: number, to: number): void {
    for (let seq = from; seq < to; seq++) {
      const ack = (): void => void this.acknowledged.push(seq);
      const nak = (): void => void this.returned.push(seq);
      this.feed.deliver({ seq, ack, nak } as unknown as JsMsg);
    }
  }

  answer(batch: number, verdict: InputVerdict = 'acknowledge'): void {
    const { seqs, answer } = this.batches[batch] as Batch;
    answer(seqs.map(() => verdict));
  }
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('JetStreamInputStrategy', () => {
  let bench: Workbench;

  beforeEach(async () => {
    bench = new Workbench();
    await bench.start();
  });

  it('hands batches over in order, a few at a time, and reads no further meanwhile', async () => {
    bench.send(0, 100);
    await settled();
    expect(bench.batches.map(({ seqs }) => seqs)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7, 8],
      [9, 10, 11],
    ]);
    expect(bench.batches).toHaveLength(BATCHES_IN_FLIGHT_MAX);
    expect(bench.feed.read).toBeLessThanOrEqual((BATCHES_IN_FLIGHT_MAX + 1) * BATCH_EVENTS);
    bench.answer(2);
    await settled();
    expect(bench.acknowledged).toEqual([6, 7, 8]);
    expect(bench.batches.slice(4).map(({ seqs }) => seqs)).toEqual([[12, 13, 14]]);
    for (let batch = 0; batch < 34; batch++) {
      if (batch !== 2) bench.answer(batch);
      await settled();
    }
    expect(bench.batches.flatMap(({ seqs }) => seqs)).toEqual(Array.from({ length: 100 }, (_, seq) => seq));
    expect([...bench.acknowledged].sort((a, b) => a - b)).toHaveLength(100);
    expect(bench.returned).toEqual([]);
    await bench.strategy.close();
  });

  it('gives a batch back whose handler failed, and what was to be delivered again, and nothing else', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    bench.send(0, 9);
    await settled();
    bench.batches[1]?.fail(new Error('the enclave is gone'));
    bench.answer(0);
    bench.batches[2]?.answer(['acknowledge', 'redeliver', 'acknowledge']);
    await settled();
    expect(bench.acknowledged.sort()).toEqual([0, 1, 2, 6, 8]);
    expect(bench.returned.sort()).toEqual([3, 4, 5, 7]);
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
    await bench.strategy.close();
  });

  it('does not close before every batch is answered for', async () => {
    bench.send(0, 6);
    await settled();
    let isClosed = false;
    const closed = bench.strategy.close().then(() => (isClosed = true));
    bench.answer(1);
    await settled();
    expect(isClosed).toBe(false);
    bench.answer(0);
    await closed;
    expect(bench.acknowledged).toEqual([3, 4, 5, 0, 1, 2]);
  });
});
