import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { ProtegoError, parseRfc3339Ms } from '@protego/contracts';
import { manifestText, replayLogOf, runReplay, type ReplayOutcome } from '@protego/replay';
import type { SigmaRuleSet } from '@protego/streams';
import { ARTEFACTS_HELP, replayArtefacts, type ReplayArtefactOptions } from '../artefact/replay-artefacts';
import { engineHash, shippedStreamsDir } from '../installation';
import { withKeyOptions, type KeyOptions } from '../log/key-options';
import { withReader } from '../log/open-log';
import { Terminal } from '../terminal';
import { numberOf } from './simulate.command';

interface ReplayOptions extends KeyOptions, ReplayArtefactOptions {
  readonly out: string;
  readonly from?: number;
  readonly to?: number;
  readonly chunk?: number;
  readonly ignoreMutes: boolean;
  readonly json: boolean;
}

/** `protego replay`: the pipeline over a log, to files that can be compared byte for byte. */
export function replayCommand(): Command {
  return withKeyOptions(new Command('replay'))
    .description(
      'Run rules and detectors over a log; writes OUT/manifest.json, OUT/detections.jsonl, OUT/evidence.jsonl, and OUT/undecidable.jsonl where erased fields left rules without an answer.',
    )
    .requiredOption('--log <dir>', 'log directory; it is only read')
    .requiredOption('--out <dir>', 'directory to write')
    .option('--keys <dir>', "directory of the log's keys (default: `keys` in the log directory)")
    .option('--from <time>', 'leave out results certain before this event time, RFC 3339', timeOf('--from'))
    .option('--to <time>', 'leave out results certain at or after this event time, RFC 3339', timeOf('--to'))
    .option('--rules <path>', 'directory of rules, or JSON lines of {path,id,yaml} (default: <streams>/rules)')
    .option('--artefacts <set>', ARTEFACTS_HELP)
    .option('--streams <dir>', 'directory with declarations/ and rules/', shippedStreamsDir())
    .option('--chunk <records>', 'write the state down and go on from it, every so many records', numberOf('--chunk'))
    .option('--ignore-mutes', 'raise every detection, whatever was muted or acknowledged', false)
    .option('--json', 'print the manifest as JSON', false)
    .addHelpText(
      'after',
      '\nexit codes: 0 done, whatever was found; 2 usage error, no log or no keys; 3 internal error\nexample: protego replay --log .protego/log --out run1 --from 2026-03-02T07:00:00Z --to 2026-03-02T08:00:00Z',
    )
    .action((options: ReplayOptions) => replay(options));
}

async function replay(options: ReplayOptions): Promise<void> {
  const terminal = new Terminal(options.json);
  const progress = terminal.progress('replay', 'records');
  const { outcome, ruleSets } = await withReader(options, async ({ reader, house }) => {
    const { artefacts, hashes, ruleSets: compiled } = replayArtefacts(options, reader);
    for (const { path, line, code, message } of compiled.flatMap(({ problems }) => problems))
      terminal.note(`${path}:${line ?? 1}: ${code}: ${message}`);
    const made = await runReplay({
      log: replayLogOf(reader, house.vault),
      artefacts,
      artefactHashes: hashes,
      engine: engineHash(),
      mutes: options.ignoreMutes ? 'ignored' : 'honoured',
      emitFromMs: options.from,
      emitToMs: options.to,
      chunkRecords: options.chunk,
      onProgress: (read, size) => progress.update(read, size),
    });
    return { outcome: made, ruleSets: compiled };
  });
  progress.stop();
  writeOutcome(options.out, outcome);
  const { manifest } = outcome;
  const { counts, mutes } = manifest;
  terminal.result(manifest, [
    `${counts.events} events, ${ruleCounts(ruleSets)}`,
    `${counts.detections} detections, ${counts.late} late events, ${counts.skewed} skewed, ${counts.ruleFailed} rule failures`,
    ...(mutes.events > 0
      ? [
          `${mutes.events} events about mutes, ${mutes.option}: ${mutes.muted} detections muted, ${mutes.updated} updated`,
        ]
      : []),
    ...(counts.undecidable > 0
      ? [`${counts.undecidable} answers of rules are lost with erased fields: see undecidable.jsonl`]
      : []),
    `output hash: ${manifest.outputHash}`,
  ]);
}

function ruleCounts(ruleSets: readonly SigmaRuleSet[]): string {
  return ruleSets
    .map(
      ({ rules, correlations, problems }) =>
        `${rules.length} rules, ${correlations.length} correlations; ${problems.length} documents left out`,
    )
    .join(', then ');
}

function writeOutcome(directory: string, outcome: ReplayOutcome): void {
  const { manifest, detectionLines, evidenceLines, undecidableLines } = outcome;
  mkdirSync(directory, { recursive: true });
  const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
  writeFileSync(join(directory, 'detections.jsonl'), text(detectionLines));
  writeFileSync(join(directory, 'evidence.jsonl'), text(evidenceLines));
  // A list that an earlier run left must not pass for one of this run.
  const undecidable = join(directory, 'undecidable.jsonl');
  if (undecidableLines.length > 0) writeFileSync(undecidable, text(undecidableLines));
  else rmSync(undecidable, { force: true });
  writeFileSync(join(directory, 'manifest.json'), manifestText(manifest));
}

function timeOf(name: string): (text: string) => number {
  return (text) => {
    const timeMs = parseRfc3339Ms(text);
    if (timeMs === undefined)
      throw new ProtegoError('USAGE_INVALID', `${name} \`${text}\` is not an RFC 3339 date-time`);
    return timeMs;
  };
}
