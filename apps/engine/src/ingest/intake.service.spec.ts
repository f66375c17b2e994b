import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import 'reflect-metadata';
import { ProtegoError, type LoggedEvent, type ProtegoConfig, type ProtegoEvent } from '@protego/contracts';
import type { Admission, PersonalDataVault, RawEvent } from '@protego/enclave';
import type { DedupeIndex, EventLogWriter, ForgottenPersons, LogRecordInput } from '@protego/event-log';
import type { EngineMetrics } from '../health/engine-metrics';
import type { PipelineRunner } from '../pipeline/pipeline-runner.service';
import { IntakeService } from './intake.service';
import { PipelineClock } from './pipeline-clock';

const clock = { wallMs: () => 1_770_000_000_000, monotonicMs: () => 0 };

/** A promise that is settled from outside. */
class Later<T> {
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;
  readonly promise = new Promise<T>((resolve, reject) => Object.assign(this, { resolve, reject }));
}

function inputsOf(...ids: string[]): RawEvent[] {
  return ids.map((id) => ({ bytes: Buffer.from(id), source: 'ehr', family: undefined }));
}

/** An id with a question mark is refused. */
function admissionOf({ bytes, source }: RawEvent): Admission {
  const id = Buffer.from(bytes).toString();
  if (id.endsWith('?')) return { kind: 'refused', error: new ProtegoError('EVENT_JSON_INVALID', 'no JSON') };
  const pipelineEvent = { id } as ProtegoEvent;
  const none = {
    sealed: Buffer.alloc(0),
    subjects: [],
    contentHash: Buffer.alloc(8),
    clear: [],
    pseudonyms: new Map(),
  };
  const sealed = { body: Buffer.from(id), ...none, pipelineEvent };
  return { kind: 'admitted', event: { source, id, type: 'x.y', timeMs: 0, carriedMs: undefined, sealed } };
}

/** An intake whose vault and log answer when they are told to. */
class Workbench {
  readonly admitting: { readonly inputs: readonly RawEvent[]; readonly later: Later<Admission[]> }[] = [];
  readonly appending: { readonly ids: string[]; readonly firstSeq: number; readonly later: Later<void> }[] = [];
  readonly flushes: Later<void>[] = [];
  readonly arrivals: string[] = [];
  readonly fed: number[] = [];
  readonly fatal = jest.fn();
  holdsFlush = false;
  private size = 0;
  private readonly known = new Set<string>();
  readonly intake: IntakeService;

  constructor(queueEventsMax = 100) {
    const vault = {
      admit: (inputs: readonly RawEvent[]) => {
        const later = new Later<Admission[]>();
        this.admitting.push({ inputs, later });
        return later.promise;
      },
      flush: () => {
        const later = new Later<void>();
        this.flushes.push(later);
        if (!this.holdsFlush) later.resolve();
        return later.promise;
      },
    };
    const log = {
      append: async (records: readonly LogRecordInput[]) => {
        const firstSeq = this.size;
        this.size += records.length;
        const later = new Later<void>();
        this.appending.push({ ids: records.map(({ body }) => body.toString()), firstSeq, later });
        await later.promise;
        return { firstSeq, count: records.length };
      },
      flushed: async () => void (await Promise.all(this.appending.map(({ later }) => later.promise))),
      get size(): number {
        return 0;
      },
    };
    const dedupe = {
      identityOf: (_source: string, id: string) => id,
      check: (id: string) => (this.known.has(id) ? 'duplicate' : 'new'),
      add: (id: string) => {
        this.known.add(id);
        this.arrivals.push(id);
      },
    };
    const pipeline = {
      lift: (event: ProtegoEvent) => event,
      process: async (events: readonly LoggedEvent[]) => void this.fed.push(...events.map(({ seq }) => seq)),
    };
    const count = { inc: () => undefined, observe: () => undefined };
    const metrics = { duplicates: count, rejected: count, appended: count, sealedEvents: count, appendSeconds: count };
    const forgotten = { hasReturned: false, isRepeat: () => false };
    this.intake = new IntakeService(
      { intake: { queueEventsMax } } as ProtegoConfig,
      clock,
      log as unknown as EventLogWriter,
      vault as unknown as PersonalDataVault,
      this.fatal,
      new PipelineClock('wall', clock, 0),
      dedupe as unknown as DedupeIndex,
      forgotten as unknown as ForgottenPersons,
      pipeline as unknown as PipelineRunner,
      metrics as unknown as EngineMetrics,
    );
  }

  /** The vault is done with a batch. */
  admit(batch: number): void {
    const { inputs, later } = this.admitting[batch] as (typeof this.admitting)[number];
    later.resolve(inputs.map(admissionOf));
  }

  /** The log is done with an append. */
  sync(append: number): void {
    this.appending[append]?.later.resolve();
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const stateOf = (promise: Promise<unknown>): Promise<string> =>
  Promise.race([promise.then(() => 'resolved').catch(() => 'rejected'), settled().then(() => 'pending')]);

describe('intake', () => {
  it('asks the vault at once and takes batches in the order of the calls, whichever comes back first', async () => {
    const bench = new Workbench();
    const first = bench.intake.accept(inputsOf('a', 'b?', 'c'));
    const second = bench.intake.accept(inputsOf('d', 'a'));
    const third = bench.intake.accept(inputsOf('e'));
    expect(bench.admitting).toHaveLength(3);
    bench.admit(2);
    bench.admit(1);
    await settled();
    expect(bench.arrivals).toEqual([]);
    bench.admit(0);
    await settled();
    expect(bench.arrivals).toEqual(['a', 'c', 'd', 'e']);
    expect(bench.appending.map(({ ids }) => ids)).toEqual([['a', 'c'], ['d'], ['e']]);
    for (const append of [0, 1, 2]) bench.sync(append);
    expect(await first).toMatchObject([
      { kind: 'appended', id: 'a', seq: 0 },
      { kind: 'rejected', error: { code: 'EVENT_JSON_INVALID' } },
      { kind: 'appended', id: 'c', seq: 1 },
    ]);
    expect(await second).toMatchObject([
      { kind: 'appended', id: 'd', seq: 2 },
      { kind: 'duplicate', id: 'a' },
    ]);
    expect(await third).toMatchObject([{ kind: 'appended', id: 'e', seq: 3 }]);
    expect(bench.fed).toEqual([0, 1, 2, 3]);
  });

  it('asks the vault for many in several calls, and keeps their order', async () => {
    const bench = new Workbench(2_000);
    const ids = Array.from({ length: 1_100 }, (_, i) => `e-${i}`);
    void bench.intake.accept(inputsOf(...ids));
    expect(bench.admitting.map(({ inputs }) => inputs.length)).toEqual([512, 512, 76]);
    for (const call of [2, 1, 0]) bench.admit(call);
    await settled();
    expect(bench.appending.map((append) => append.ids)).toEqual([ids]);
  });

  it('appends in order, whichever keys are durable first', async () => {
    const bench = new Workbench();
    bench.holdsFlush = true;
    void bench.intake.accept(inputsOf('a'));
    void bench.intake.accept(inputsOf('b'));
    bench.admit(0);
    bench.admit(1);
    await settled();
    bench.flushes[1]?.resolve();
    await settled();
    expect(bench.appending).toEqual([]);
    bench.flushes[0]?.resolve();
    await settled();
    expect(bench.appending.map(({ ids }) => ids)).toEqual([['a'], ['b']]);
  });

  it('answers a duplicate when the first of its kind is durable', async () => {
    const bench = new Workbench();
    const first = bench.intake.accept(inputsOf('a'));
    const second = bench.intake.accept(inputsOf('a'));
    bench.admit(0);
    bench.admit(1);
    expect(await stateOf(second)).toBe('pending');
    bench.sync(0);
    expect(await second).toEqual([{ kind: 'duplicate', id: 'a' }]);
    expect(await first).toHaveLength(1);
  });

  it('stops for good when the vault fails, and lets nothing that came later overtake what is lost', async () => {
    const bench = new Workbench();
    const first = bench.intake.accept(inputsOf('a'));
    const second = bench.intake.accept(inputsOf('b'));
    const third = bench.intake.accept(inputsOf('c'));
    const later = Promise.allSettled([second, third]);
    const fault = new Error('the enclave is gone');
    bench.admitting[1]?.later.reject(fault);
    bench.admit(2);
    await settled();
    expect(bench.fatal).not.toHaveBeenCalled();
    bench.admit(0);
    await settled();
    bench.sync(0);
    expect(await first).toMatchObject([{ kind: 'appended', id: 'a' }]);
    expect(await later).toMatchObject([{ reason: { code: 'INTAKE_STOPPED' } }, { reason: { code: 'INTAKE_STOPPED' } }]);
    await expect(bench.intake.accept(inputsOf('d'))).rejects.toMatchObject({ code: 'INTAKE_STOPPED' });
    expect(bench.fatal.mock.calls).toEqual([[fault]]);
    expect(bench.appending.map(({ ids }) => ids)).toEqual([['a']]);
    await bench.intake.stop();
  });

  it('stops for good when keys or records cannot be made durable', async () => {
    for (const failsAt of ['flush', 'append']) {
      const bench = new Workbench();
      bench.holdsFlush = failsAt === 'flush';
      const first = bench.intake.accept(inputsOf('a'));
      const second = bench.intake.accept(inputsOf('b'));
      const known = bench.intake.accept(inputsOf('a'));
      for (const batch of [0, 1, 2]) bench.admit(batch);
      await settled();
      const fault = new ProtegoError('LOG_DISK_FULL', 'full');
      if (failsAt === 'flush') {
        bench.flushes[0]?.reject(fault);
        bench.flushes[1]?.resolve();
      } else for (const { later } of bench.appending) later.reject(fault);
      await expect(first).rejects.toBe(fault);
      await expect(second).rejects.toMatchObject({ code: failsAt === 'flush' ? 'INTAKE_STOPPED' : 'LOG_DISK_FULL' });
      expect(await stateOf(known)).toBe('rejected');
      expect(bench.fatal.mock.calls).toEqual([[fault]]);
      expect(bench.appending).toHaveLength(failsAt === 'flush' ? 0 : 2);
      await bench.intake.stop();
    }
  });

  it('counts what is being admitted, and waits for it when it stops', async () => {
    const bench = new Workbench(3);
    const first = bench.intake.accept(inputsOf('a', 'b?', 'c'));
    expect(bench.intake.isIdle).toBe(false);
    expect(bench.intake.isBusy(1, 1)).toBe(true);
    const stopped = bench.intake.stop();
    bench.admit(0);
    await settled();
    // What was refused weighs nothing any more.
    expect(bench.intake.isBusy(1, 1)).toBe(false);
    expect(await stateOf(stopped)).toBe('pending');
    bench.sync(0);
    await stopped;
    expect(await stateOf(first)).toBe('resolved');
    expect(bench.intake.isIdle).toBe(true);
  });

  it('lets batches in by turns: a small one does not pass a large one that waits for room', async () => {
    const bench = new Workbench(3);
    void bench.intake.acceptInTurn(inputsOf('a', 'b'));
    void bench.intake.acceptInTurn(inputsOf('c', 'd', 'e'));
    void bench.intake.acceptInTurn(inputsOf('f'));
    await settled();
    expect(bench.admitting.map(({ inputs }) => inputs.length)).toEqual([2]);
    bench.admit(0);
    await settled();
    bench.sync(0);
    await settled();
    expect(bench.admitting.map(({ inputs }) => inputs.length)).toEqual([2, 3]);
    bench.admit(1);
    await settled();
    bench.sync(1);
    await settled();
    expect(bench.admitting.map(({ inputs }) => inputs.length)).toEqual([2, 3, 1]);
  });

  it('refuses who waits for room when it stops', async () => {
    const bench = new Workbench(1);
    const first = bench.intake.acceptInTurn(inputsOf('a'));
    const second = bench.intake.acceptInTurn(inputsOf('b'));
    await settled();
    const stopped = bench.intake.stop();
    bench.admit(0);
    await settled();
    bench.sync(0);
    await stopped;
    expect(await first).toHaveLength(1);
    await expect(second).rejects.toMatchObject({ code: 'INTAKE_STOPPED' });
  });

  it('keeps nothing of the last batch once it is through', async () => {
    const bench = new Workbench();
    const held = await throughBatch(bench);
    await settled();
    collectGarbage();
    await settled();
    collectGarbage();
    expect(held.map((each) => each.deref())).toEqual([undefined, undefined]);
  });
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Sees a batch through; of an event that was taken, and of a refusal, what the vault said of it. */
async function throughBatch(bench: Workbench): Promise<WeakRef<object>[]> {
  const outcomes = bench.intake.acceptInTurn(inputsOf('a', 'b?'));
  await settled();
  const batch = bench.admitting.splice(0)[0];
  const admissions = (batch?.inputs ?? []).map(admissionOf);
  const held = admissions.map((each) => new WeakRef<object>(each.kind === 'refused' ? each.error : each.event.sealed));
  batch?.later.resolve(admissions);
  await settled();
  for (const { later } of bench.appending.splice(0)) later.resolve();
  await outcomes;
  bench.flushes.length = 0;
  return held;
}
