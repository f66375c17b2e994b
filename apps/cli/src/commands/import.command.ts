import { accessSync, constants } from 'node:fs';
import { Command } from 'commander';
import { EventValidator, ProtegoError, eventRegistry, isNameToken, systemClock } from '@protego/contracts';
import { loadFieldClasses, loadSourceDeclarations } from '@protego/artefacts';
import { keysDirectoryOf } from '@protego/enclave';
import { refusedFileOf } from '@protego/event-log';
import { SITE_DEFAULT } from '@protego/simulation';
import {
  importFormats,
  mergeBatchesByArrival,
  parseImportFormat,
  readSourceBatches,
  type ReadSourceOptions,
  type SourceItem,
} from '@protego/sources';
import { ImportSession } from '../import/import-session';
import { RejectsFile } from '../import/rejects-file';
import { pseudonymKeyFile, shippedStreamsDir } from '../installation';
import { sealedRootAccess, withKeyOptions, type KeyOptions } from '../log/key-options';
import { Terminal } from '../terminal';

interface ImportOptions extends KeyOptions {
  readonly log: string;
  readonly format: string;
  readonly rejects?: string;
  readonly source?: string;
  readonly site?: string;
  readonly streams: string;
  readonly json: boolean;
}

/** `protego import`: files of other systems into a log. */
export function importCommand(): Command {
  return withKeyOptions(new Command('import'))
    .description('Append the records of files to a log, merged by arrival; each file keeps its own order.')
    .argument('<file...>', 'files of JSON lines, plain or gzip')
    .requiredOption('--log <dir>', 'log directory; made where it is missing')
    .option(
      '--keys <dir>',
      "directory of the log's keys, made where it is missing (default: `keys` in the log directory)",
    )
    .requiredOption('--format <name>', `one of: ${importFormats.join(', ')}`)
    .option(
      '--rejects <file>',
      'where refused records go in clear, with the reason (default: <log>/rejects-<time>.ndjson, sealed: `protego log rejects` shows them)',
    )
    .option('--source <name>', 'source of native records (default: the format)')
    .option(
      '--site <name>',
      `site of native records (default: ${SITE_DEFAULT}); events that name another site are refused`,
    )
    .option('--streams <dir>', 'directory with declarations/', shippedStreamsDir())
    .option('--json', 'print the result as JSON', false)
    .addHelpText(
      'after',
      '\nexit codes: 0 done, whatever was refused; 2 usage error or no log; 3 internal error or disk failure\nexample: protego import --log history.log --format windows --rejects refused.ndjson host1.jsonl.gz host2.jsonl.gz',
    )
    .action((files: string[], options: ImportOptions) => importFiles(files, options));
}

async function importFiles(files: readonly string[], options: ImportOptions): Promise<void> {
  const terminal = new Terminal(options.json);
  const format = parseImportFormat(options.format);
  const site = options.site ?? SITE_DEFAULT;
  if (!isNameToken(site))
    throw new ProtegoError('USAGE_INVALID', `site \`${site}\` is not a name of lower-case letters, digits and dashes`);
  // A name that is mistyped must be found before the session begins.
  for (const path of files) accessSync(path, constants.R_OK);
  const session = await ImportSession.open({
    directory: options.log,
    keysDirectory: keysDirectoryOf(options.log, options.keys),
    rootAccess: sealedRootAccess(options),
    pseudonymKeyFile: pseudonymKeyFile(),
    fields: loadFieldClasses(options.streams),
    site,
    files,
    clock: systemClock,
  });
  if (session.cutBytes > 0)
    terminal.note(`a torn tail of ${session.cutBytes} bytes was cut from the log; it is kept in ${options.log}/torn`);
  const rejects = rejectsFileOf(options, format, session);
  const readOptions: ReadSourceOptions = {
    site,
    sourceName: options.source,
    onlySite: options.site,
    validator: new EventValidator(eventRegistry),
    timeMsMax: systemClock.wallMs() + loadSourceDeclarations(options.streams).skewMaxMs,
  };
  const readers = files.map((path) => readSourceBatches(path, format, readOptions));
  const progress = terminal.progress('import', 'records');
  try {
    for await (const batch of mergeBatchesByArrival(readers)) {
      await takeBatch(batch, session, rejects);
      await rejects.flush();
      await session.drain();
      progress.update(session.appended + session.duplicates + rejects.count, 0);
    }
  } catch (error) {
    await session.abandon();
    throw error;
  }
  const { rootHash } = await session.close();
  progress.stop();
  rejects.close();
  report(terminal, session, rejects, rootHash);
}

// A file that stays beside the log must not keep what the log can forget; a file that was asked for is the caller's.
function rejectsFileOf({ rejects, log, source }: ImportOptions, format: string, { vault }: ImportSession): RejectsFile {
  if (rejects !== undefined) return new RejectsFile(rejects);
  const nowMs = systemClock.wallMs();
  return new RejectsFile(refusedFileOf(log, nowMs), { vault, source: source ?? format, nowMs });
}

async function takeBatch(items: readonly SourceItem[], session: ImportSession, rejects: RejectsFile): Promise<void> {
  const refusals = await session.take(items.filter((item) => item.kind === 'event'));
  let next = 0;
  for (const item of items) {
    if (item.kind === 'rejected') {
      const { kind: _, ...rejected } = item;
      rejects.add(rejected);
      continue;
    }
    const refusal = refusals[next++];
    if (refusal !== undefined) rejects.add({ ...refusal, path: item.path, line: item.line, event: item.event });
  }
}

function report(terminal: Terminal, session: ImportSession, rejects: RejectsFile, root: string): void {
  const { appended, duplicates, firstSeq, lastSeq } = session;
  const result = {
    appended,
    duplicates,
    rejected: rejects.count,
    rejectedByCode: rejects.byCode,
    rejectsFile: rejects.count > 0 ? rejects.path : null,
    firstSeq: firstSeq ?? null,
    lastSeq: lastSeq ?? null,
    root,
  };
  terminal.result(result, [
    `${appended} events appended, ${duplicates} known already, ${rejects.count} refused`,
    ...Object.entries(rejects.byCode).map(([code, count]) => `  ${code}: ${count}`),
    ...(rejects.count > 0
      ? [`refused records with reasons${rejects.isSealed ? ', sealed' : ''}: ${rejects.path}`]
      : []),
    `root of the log: ${root}`,
  ]);
}
