import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { eventRegistry, readLoggedEvents, type OpenPersonalFields } from '@protego/contracts';
import { applyOpened, type OpenedFields } from '@protego/enclave';
import { PartRun, summaryOf } from '@protego/replay';
import { compileSigma, splitArtefacts } from '@protego/streams';
import type { PartAnswer, PartOrder, PartThreadData } from './part-messages';
import { unpacked } from './record-pack';

// A thread of `protego replay`: runs one part of the artefacts over all records.
const port = parentPort as MessagePort;
const { set, options, part, partCount, state } = workerData as PartThreadData;
const artefacts = { rules: compileSigma(set.rules, set), declarations: set.declarations };
const run = new PartRun(splitArtefacts(artefacts, partCount)[part] ?? artefacts, options, state);

const answer = (message: PartAnswer): void => port.postMessage(message);

async function take({ records, opened }: PartOrder & { readonly kind: 'take' }): Promise<void> {
  const open = opened === undefined ? undefined : openingWith(opened);
  const events = await readLoggedEvents(unpacked(records), eventRegistry, open);
  answer({ kind: 'took', findings: run.take(events) });
}

function openingWith(opened: readonly OpenedFields[]): OpenPersonalFields {
  return async (stored) =>
    stored.map(({ event }, i) => applyOpened(event, opened[i] as OpenedFields, 'staff-and-text'));
}

async function follow(order: PartOrder): Promise<void> {
  if (order.kind === 'take') await take(order);
  else if (order.kind === 'settle') answer({ kind: 'settled', state: run.state() });
  else answer({ kind: 'finished', summary: summaryOf(run) });
}

let done: Promise<void> = Promise.resolve();
port.on('message', (order: PartOrder) => {
  done = done.then(() => follow(order));
  // Ends the thread, and so the run.
  done.catch((error: unknown) =>
    setImmediate(() => {
      throw error;
    }),
  );
});
