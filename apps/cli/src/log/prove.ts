import { readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { ProtegoError } from '@protego/contracts';
import {
  TileStore,
  checkConsistency,
  makeConsistencyProof,
  makeInclusionProof,
  makeRangeProof,
  openCheckpoint,
  parseVerifierKey,
  readLatestCheckpoint,
  type SignedCheckpoint,
} from '@protego/event-log';
import { Terminal } from '../terminal';
import { numberOf } from '../commands/simulate.command';
import { ENGINE_OPTION_HELP, hereOrInEngine, type EngineOptions } from './engine-client';
import { originOf, withLog, withReader, withWriter, type LogOptions, type OpenLog } from './open-log';

interface CheckpointOptions extends EngineOptions {
  readonly new: boolean;
}

interface ProveOptions extends LogOptions {
  readonly seq?: number;
  readonly from?: number;
  readonly to?: number;
  readonly since?: string;
  readonly out?: string;
}

/** `protego log checkpoint`. */
export function checkpointCommand(): Command {
  const command = new Command('checkpoint').description(
    'Print the latest signed checkpoint (C2SP tlog-checkpoint). Whoever keeps it can tell later whether the log was altered.',
  );
  return withLog(command, 'protego log checkpoint --log .protego/log > kept.checkpoint', 'never')
    .option('--new', 'sign one over all records now', false)
    .option('--engine <url>', ENGINE_OPTION_HELP)
    .action((options: CheckpointOptions) => checkpoint(options));
}

/** `protego log prove`. */
export function proveCommand(): Command {
  const command = new Command('prove').description(
    'Prove from the hashes on the disk that a record, or all records of a range, are in the log, or that it only grew.',
  );
  return withLog(command, 'protego log prove --log .protego/log --seq 4711', 'never')
    .option('--seq <seq>', 'inclusion of one record (RFC 6962)', numberOf('--seq'))
    .option('--from <seq>', 'first record of a range: these records and no others', numberOf('--from'))
    .option('--to <seq>', 'record after the last of the range', numberOf('--to'))
    .option('--since <file>', 'an older signed checkpoint: the log has only grown from it')
    .option('--out <file>', 'write the proof to a file')
    .action((options: ProveOptions) => prove(options));
}

async function checkpoint(options: CheckpointOptions): Promise<void> {
  const note = options.new ? await newCheckpoint(options) : await withReader(options, (log) => latestOf(log).note);
  new Terminal(options.json).result({ checkpoint: note }, [note.trimEnd()]);
}

function newCheckpoint(options: CheckpointOptions): Promise<string> {
  return hereOrInEngine(
    options,
    () => withWriter(options, ({ authority }) => authority.checkpoint()),
    async (engine) => (await engine.ask<{ checkpoint: string }>(originOf(options), 'checkpoint', {})).checkpoint,
  );
}

function latestOf({ directory, reader }: OpenLog): SignedCheckpoint {
  const latest = readLatestCheckpoint(directory, [parseVerifierKey(reader.identity.verifierKey)]);
  if (latest !== undefined) return latest;
  throw new ProtegoError('LOG_RANGE_MISSING', 'the log has no checkpoint yet', { directory });
}

async function prove(options: ProveOptions): Promise<void> {
  const proof = await withReader(options, (log) => proofOf(options, log));
  const terminal = new Terminal(options.json);
  if (options.out !== undefined) {
    writeFileSync(options.out, `${JSON.stringify(proof, undefined, 2)}\n`, { flag: 'wx' });
    terminal.result({ file: options.out }, [`proof written to ${options.out}`]);
  } else terminal.result(proof, [JSON.stringify(proof, undefined, 2)]);
}

function proofOf(options: ProveOptions, log: OpenLog): Record<string, unknown> {
  const checkpoint = latestOf(log);
  const { verifierKey } = log.reader.identity;
  const source = new TileStore(log.directory, checkpoint.size);
  const common = { checkpoint: checkpoint.note, verifierKey };
  const { seq, from, to, since } = options;
  if (seq !== undefined) {
    requireCovered(seq + 1, checkpoint);
    const leaf = log.reader.recordAt(seq as never)?.leaf.toString('base64');
    return { kind: 'inclusion', seq, leaf, proof: base64(makeInclusionProof(source, seq)), ...common };
  }
  if (from !== undefined && to !== undefined) {
    requireCovered(to, checkpoint);
    return { kind: 'range', from, to, proof: base64(makeRangeProof(source, [{ begin: from, end: to }])), ...common };
  }
  if (since === undefined) throw new ProtegoError('USAGE_INVALID', 'name --seq, --from with --to, or --since');
  const older = openCheckpoint(readFileSync(since), [parseVerifierKey(verifierKey)]);
  requireCovered(older.size, checkpoint);
  const proof = makeConsistencyProof(source, older.size);
  const claim = {
    firstSize: older.size,
    firstRoot: older.root,
    secondSize: checkpoint.size,
    secondRoot: checkpoint.root,
  };
  checkConsistency(claim, proof);
  return { kind: 'consistency', from: older.size, to: checkpoint.size, proof: base64(proof), ...common };
}

function requireCovered(size: number, checkpoint: SignedCheckpoint): void {
  if (size <= checkpoint.size) return;
  const message = `the latest checkpoint covers ${checkpoint.size} records: sign a new one with \`log checkpoint --new\``;
  throw new ProtegoError('LOG_RANGE_MISSING', message, { size, covered: checkpoint.size });
}

const base64 = (hashes: readonly Buffer[]): string[] => hashes.map((hash) => hash.toString('base64'));
