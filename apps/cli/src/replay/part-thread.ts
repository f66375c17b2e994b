import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { eventRegistry, readLoggedEvents, type OpenPersonalFields, type OpenedEvent } from '@protego/contracts';
import { PartRun, summaryOf, type ReplayRecord } from '@protego/replay';
import { compileSigma, isPipelineInput, splitArtefacts } from '@protego/streams';
import type { PartAnswer, PartOrder, PartThreadData } from './part-messages';

// A thread of `protego replay`: runs one part of the artefacts over all records.
const port = parentPort as MessagePort;
const { set, options, part, partCount, state, isOpening } = workerData as PartThreadData;
const artefacts = { rules: compileSigma(set.rules, set), declarations: set.declarations };
const run = new PartRun(splitArtefacts(artefacts, partCount)[part] ?? artefacts, options, state);

const answer = (message: PartAnswer): void => port.postMessage(message);
const waiting: { resolve: (events: readonly OpenedEvent[]) => void; reject: (error: Error) => void }[] = [];
const open: OpenPersonalFields = (records) =>
  new Promise((resolve, reject) => {
    waiting.push({ resolve, reject });
    answer({ kind: 'open', records });
  });

async function take(records: readonly ReplayRecord[]): Promise<void> {
  const inputs = records.filter(({ type }) => isPipelineInput(type));
  const events = await readLoggedEvents(inputs, eventRegistry, isOpening ? open : undefined);
  answer({ kind: 'took', findings: run.take(events) });
}

async function follow(order: PartOrder): Promise<void> {
  if (order.kind === 'take') await take(order.records);
  else if (order.kind === 'settle') answer({ kind: 'settled', state: run.state() });
  else if (order.kind === 'finish') answer({ kind: 'finished', summary: summaryOf(run) });
}

let done: Promise<void> = Promise.resolve();
port.on('message', (order: PartOrder) => {
  if (order.kind === 'opened') waiting.shift()?.resolve(order.events);
  else if (order.kind === 'not-opened') waiting.shift()?.reject(order.error);
  else {
    done = done.then(() => follow(order));
    // Ends the thread, and so the run.
    done.catch((error: unknown) =>
      setImmediate(() => {
        throw error;
      }),
    );
  }
});
