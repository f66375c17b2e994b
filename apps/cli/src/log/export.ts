import { copyFileSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { ProtegoError, systemClock } from '@protego/contracts';
import {
  copyStandaloneVerifier,
  exportBundle,
  exportTlog,
  generateReceiverKey,
  type BundleSummary,
} from '@protego/event-log';
import { Terminal } from '../terminal';
import { ENGINE_OPTION_HELP, hereOrInEngine, type EngineOptions } from './engine-client';
import { originOf, withLog, withWriter } from './open-log';
import { selectionOf, withSelection, type SelectionOptions } from './selection';

interface ExportOptions extends EngineOptions, SelectionOptions {
  readonly out?: string;
  readonly tlog?: string;
  readonly purpose: string;
  readonly receiver?: string;
  readonly since?: string;
  readonly withVerifier: boolean;
}

interface ReceiverKeyOptions {
  readonly out: string;
  readonly json: boolean;
}

/** File name of the standalone verifier beside a bundle. */
const VERIFIER_NAME = 'verify-bundle.js';

/** `protego log export`. */
export function exportCommand(): Command {
  const command = new Command('export').description(
    'Write records with their proofs into one evidence bundle, and the keys of their personal fields for one receiver. The export is itself an event.',
  );
  const example =
    'protego log export --log .protego/log --subject tablet-05 --receiver court.pub.pem --purpose "case 12" --out case12.protego';
  return withSelection(withLog(command, example, 'never'))
    .option('--out <file>', 'bundle to write')
    .option(
      '--tlog <dir>',
      'write the whole log as static files instead (C2SP tlog-tiles): checkpoint, hash tiles, entry bundles',
    )
    .requiredOption('--purpose <text>', 'why; it stays in the log in clear and must name no person')
    .option('--receiver <file>', 'public key (PEM or JWK) of who may open personal fields; without it nobody can')
    .option('--since <file>', 'an older checkpoint that the receiver holds; the bundle proves growth from it')
    .option('--engine <url>', ENGINE_OPTION_HELP)
    .option('--with-verifier', `put the standalone verifier \`${VERIFIER_NAME}\` beside the bundle`, false)
    .action((options: ExportOptions) => exportRecords(options));
}

/** `protego log receiver-key`. */
export function receiverKeyCommand(): Command {
  return new Command('receiver-key')
    .description('Make a key pair for receiving evidence bundles: <out>.pub.pem to give away, <out>.key.pem to keep.')
    .requiredOption('--out <path>', 'path without ending')
    .option('--json', 'print JSON', false)
    .addHelpText('after', '\nexit codes: 0 done, 2 usage error\nexample: protego log receiver-key --out court')
    .action((options: ReceiverKeyOptions) => makeReceiverKey(options));
}

async function exportRecords(options: ExportOptions): Promise<void> {
  const { out, tlog } = options;
  if (tlog !== undefined) await exportStatic(options, tlog);
  else if (out !== undefined) await exportEvidence({ ...options, out });
  else throw new ProtegoError('USAGE_INVALID', 'name --out or --tlog');
}

async function exportStatic(options: ExportOptions, target: string): Promise<void> {
  const terminal = new Terminal(options.json);
  const progress = terminal.progress('export', 'records');
  const summary = await withWriter(options, ({ reader, authority }) => {
    const onProgress = (done: number, total: number): void => progress.update(done, total);
    return exportTlog({ reader, authority, target, purpose: options.purpose, onProgress });
  });
  progress.stop();
  const { size, tiles, entryBundles, tooLong } = summary;
  terminal.result(summary, [
    `${size} records as ${tiles} hash tiles and ${entryBundles} entry bundles: ${target}`,
    ...tooLong.map((seq) => `record ${seq} is too long for an entry bundle: its bundle ends before it`),
  ]);
}

async function exportEvidence(options: ExportOptions & { readonly out: string }): Promise<void> {
  const terminal = new Terminal(options.json);
  const verifier = join(dirname(options.out), VERIFIER_NAME);
  const isVerifierWanted = options.withVerifier && !existsSync(verifier);
  const input = {
    selection: selectionOf(options),
    purpose: options.purpose,
    ...(options.receiver === undefined ? {} : { receiver: readFileSync(options.receiver, 'utf8') }),
    ...(options.since === undefined ? {} : { earlierCheckpoint: readFileSync(options.since, 'utf8') }),
  };
  if (existsSync(options.out)) throw new ProtegoError('USAGE_INVALID', `\`${options.out}\` exists already`);
  const summary = await hereOrInEngine(
    options,
    () =>
      withWriter(options, ({ directory, reader, house, authority }) =>
        exportBundle({
          ...{ directory, reader, keys: house.keys, vault: house.vault, authority, clock: systemClock },
          ...{ ...input, file: options.out },
        }),
      ),
    async (engine) => {
      const made = await engine.ask<BundleSummary>(originOf(options), 'export', input);
      copyFileSync(made.file, options.out, constants.COPYFILE_EXCL);
      rmSync(made.file);
      return { ...made, file: options.out };
    },
  );
  if (isVerifierWanted) await copyStandaloneVerifier(verifier);
  const { records, firstSeq, lastSeq, keys, bytes, eventSeq } = summary;
  terminal.result(summary, [
    `${records} records, seq ${firstSeq} to ${lastSeq}, ${keys} record keys, ${bytes} bytes: ${options.out}`,
    `the export is recorded at seq ${eventSeq}`,
    `check it: protego log verify --bundle ${options.out}${options.withVerifier ? `, or: node ${verifier} ${options.out}` : ''}`,
  ]);
}

function makeReceiverKey({ out, json }: ReceiverKeyOptions): void {
  const pair = generateReceiverKey();
  const files = { public: `${out}.pub.pem`, private: `${out}.key.pem` };
  for (const path of Object.values(files))
    if (existsSync(path)) throw new ProtegoError('USAGE_INVALID', `\`${path}\` exists already`, { path });
  writeFileSync(files.private, pair.privateKey, { mode: 0o600, flag: 'wx' });
  writeFileSync(files.public, pair.publicKey, { flag: 'wx' });
  new Terminal(json).result({ ...files, keyId: pair.keyId }, [
    `give away: ${files.public}`,
    `keep secret: ${files.private}`,
    `key id: ${pair.keyId}`,
  ]);
}
