import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { formatRfc3339, systemClock } from '@protego/contracts';
import {
  eraseSubject,
  expireSegments,
  type CopyOutOfReach,
  type EventLogReader,
  type ExpirySummary,
  type ReceiptContent,
} from '@protego/event-log';
import { Terminal } from '../terminal';
import { ageOf } from './age';
import { openBackupTarget } from './backup-target';
import { ENGINE_OPTION_HELP, hereOrInEngine, type EngineOptions } from './engine-client';
import { originOf, withLog, withWriter } from './open-log';

interface EraseOptions extends EngineOptions {
  readonly subject: string;
  readonly reason: string;
  readonly receipt?: string;
  readonly searchTexts: boolean;
}

interface ExpireOptions extends EngineOptions {
  readonly olderThan: number;
  readonly reason: string;
}

/** `protego log erase`. */
export function eraseCommand(): Command {
  const command = new Command('erase').description(
    'Destroy the keys of a person: what was sealed under them cannot be read any more, here and in reachable backups. Proofs stay valid. This cannot be undone.',
  );
  const example =
    'protego log erase --log .protego/log --subject p-022 --reason "request 2026-117" --receipt erasure.json';
  return withLog(command, example, 'never')
    .requiredOption('--subject <id>', 'person by identity, name or token')
    .requiredOption('--reason <text>', 'why; it stays in the log in clear and must not name the person')
    .option('--engine <url>', ENGINE_OPTION_HELP)
    .option('--receipt <file>', 'write the signed receipt to a file')
    .option('--no-search-texts', 'do not look through readable texts for the name; the receipt then says so')
    .action((options: EraseOptions) => erase(options));
}

/** `protego log expire`. */
export function expireCommand(): Command {
  const command = new Command('expire').description(
    'Delete whole segments whose newest event is older than the retention period. Hashes and checkpoints stay.',
  );
  return withLog(command, 'protego log expire --log .protego/log --older-than 365d --reason retention-1y', 'never')
    .requiredOption('--older-than <age>', 'age such as 365d or 72h', (text) => ageOf(text, '--older-than'))
    .requiredOption('--reason <text>', 'name of the retention rule; it stays in the log')
    .option('--engine <url>', ENGINE_OPTION_HELP)
    .action((options: ExpireOptions) => expire(options));
}

async function erase(options: EraseOptions): Promise<void> {
  const { subject, reason, searchTexts } = options;
  const text = await hereOrInEngine(
    options,
    () => eraseHere(options),
    async (engine) => {
      const input = { subject, reason, searchTexts };
      return (await engine.ask<{ receipt: string }>(originOf(options), 'erase', input)).receipt;
    },
  );
  if (options.receipt !== undefined) writeFileSync(options.receipt, text);
  const { receipt } = JSON.parse(text) as { receipt: ReceiptContent };
  new Terminal(options.json).result(JSON.parse(text), [
    ...linesOf(receipt),
    ...(options.receipt === undefined ? [] : [`receipt: ${options.receipt}`]),
  ]);
}

async function eraseHere({ searchTexts, ...options }: EraseOptions): Promise<string> {
  const { subject, reason } = options;
  const receipt = await withWriter(options, ({ directory, keysDirectory, reader, house, authority }) =>
    eraseSubject({
      ...{ directory, keysDirectory, reader, keys: house.keys, vault: house.vault, authority, clock: systemClock },
      ...{ subject, reason, openTarget: openBackupTarget, searchesTexts: searchTexts },
      findCopies: () => Promise.resolve(onTheBus(reader)),
    }),
  );
  return receipt.text;
}

/** No engine runs, and only it can look at the bus that it takes events from. */
function onTheBus(reader: EventLogReader): CopyOutOfReach[] {
  for (const _ of reader.query({ types: ['artefact.activated'] })) {
    const note =
      'no engine ran, so messages that wait there or were refused were not looked at: start it, and ask again';
    return [{ kind: 'stream', name: 'PROTEGO_IN, PROTEGO_REJECTED', note }];
  }
  return [];
}

function linesOf(receipt: ReceiptContent): string[] {
  const { keyIds, person, affected, seq, backupsErased, texts, outOfReach, namesakes } = receipt;
  return [
    `${keyIds.length} keys of ${person} destroyed; ${affected.records} records held something of the person`,
    `recorded at seq ${seq}; ${backupsErased.length} backups followed`,
    texts === null
      ? 'readable texts were not searched for the name'
      : `${texts.records} records still hold a name of the person in a readable text`,
    ...namesakes.map((token) => `has a name in common: ${token}; erase it too if it is the same person`),
    ...outOfReach.map(({ kind, name, note }) => `out of reach: ${kind} ${name}: ${note}`),
  ];
}

async function expire(options: ExpireOptions): Promise<void> {
  const { olderThan: olderThanMs, reason } = options;
  const summary = await hereOrInEngine<ExpirySummary | undefined>(
    options,
    () =>
      withWriter(options, ({ directory, house, authority }) =>
        expireSegments({ directory, keys: house.keys, authority, clock: systemClock, olderThanMs, reason }),
      ),
    async (engine) => {
      const input = { olderThanMs, reason };
      const answer = await engine.ask<{ expired: ExpirySummary | null }>(originOf(options), 'expire', input);
      return answer.expired ?? undefined;
    },
  );
  const before = formatRfc3339(systemClock.wallMs() - olderThanMs);
  new Terminal(options.json).result(summary ?? { segments: 0 }, [
    summary === undefined
      ? `no finished segment lies wholly before ${before}`
      : `${summary.segments} segments deleted, ${summary.bytes} bytes; the log begins at seq ${summary.firstSeq}`,
  ]);
}
