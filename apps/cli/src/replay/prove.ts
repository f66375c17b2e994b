import { constants, copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { ProtegoError, systemClock } from '@protego/contracts';
import { exportBundle, type BundleExportOptions, type BundleSummary } from '@protego/event-log';
import {
  CLAIM_DECLARATIONS,
  PROOF_BYTES_MAX,
  PROOF_RECORDS_MAX,
  planProof,
  proofLogOf,
  seqRangesOf,
  verifyProof,
  type DetectionClaim,
  type ProofReport,
} from '@protego/replay';
import { compileSigma, decidingText } from '@protego/streams';
import { directorySet } from '../artefact/replay-artefacts';
import { engineHash, shippedStreamsDir } from '../installation';
import { ENGINE_OPTION_HELP, hereOrInEngine, type EngineOptions } from '../log/engine-client';
import { withLog, withReader, withWriter, originOf, type OpenLog } from '../log/open-log';
import { Terminal } from '../terminal';
import { numberOf } from '../commands/simulate.command';
import { detectionInLog, detectionOfRun } from './detection-source';
import { DETECTION_VERIFIER_NAME, copyDetectionVerifier } from './detection-verifier';

interface ProveOptions extends EngineOptions {
  readonly detection: string;
  readonly run?: string;
  readonly out: string;
  readonly purpose?: string;
  readonly receiver?: string;
  readonly since?: string;
  readonly rules?: string;
  readonly streams: string;
  readonly recordsMax: number;
  readonly withVerifier: boolean;
}

/** A proof that was written, and what a check of it says. */
interface MadeProof {
  readonly claim: DetectionClaim;
  readonly summary: BundleSummary;
  /** As a receiver with its key will see it. */
  readonly report: ProofReport;
  /** As anybody without a key will see it. */
  readonly reportWithoutKey: ProofReport;
}

/** What is exported, whoever does it. */
type ExportInput = Pick<BundleExportOptions, 'selection' | 'purpose' | 'claim' | 'receiver' | 'earlierCheckpoint'>;

/** `protego replay prove`. */
export function proveCommand(): Command {
  const command = new Command('prove').description(
    'Write the proof of one detection: its events with their proofs, all records of the range where a count or an absence decides, and the rule. Whoever holds it can run the rule again without the log. It is checked before it is handed out; the export is itself an event.',
  );
  const example =
    'protego replay prove --log .protego/log --run run1 --detection 4f1c… --out detection.proof --with-verifier';
  return withLog(command, example, 'never')
    .requiredOption('--detection <id>', 'id of the detection')
    .requiredOption('--out <file>', 'proof to write')
    .option('--run <dir>', 'output of a replay that made the detection (default: the record in the log)')
    .option('--purpose <text>', 'why; it stays in the log in clear and must name no person')
    .option(
      '--receiver <file>',
      'public key (PEM or JWK) of who may open personal fields, for rules that look into them',
    )
    .option('--since <file>', 'an older checkpoint that the receiver holds; the proof shows growth from it')
    .option('--rules <path>', 'rules that were in force (default: <streams>/rules)')
    .option('--streams <dir>', 'directory with declarations/ and rules/', shippedStreamsDir())
    .option('--records-max <records>', 'most records of the range', numberOf('--records-max'), PROOF_RECORDS_MAX)
    .option('--engine <url>', ENGINE_OPTION_HELP)
    .option('--with-verifier', `put the standalone verifier \`${DETECTION_VERIFIER_NAME}\` beside the proof`, false)
    .action((options: ProveOptions) => prove(options));
}

async function prove(options: ProveOptions): Promise<void> {
  const terminal = new Terminal(options.json);
  if (existsSync(options.out)) throw new ProtegoError('USAGE_INVALID', `\`${options.out}\` exists already`);
  const inputOf = exportInput(options);
  const made = await hereOrInEngine(
    options,
    () =>
      withWriter(options, async (open) => {
        const { directory, reader, house, authority } = open;
        const claim = await planned(options, open);
        const parts = { directory, reader, keys: house.keys, vault: house.vault, authority, clock: systemClock };
        const summary = await exportBundle({ ...parts, ...inputOf(claim), file: options.out });
        return checked(options, open, { claim, summary });
      }),
    (engine) =>
      withReader(options, async (open) => {
        const claim = await planned(options, open);
        const answer = await engine.ask<BundleSummary>(originOf(options), 'export', inputOf(claim));
        copyFileSync(answer.file, options.out, constants.COPYFILE_EXCL);
        rmSync(answer.file);
        return checked(options, open, { claim, summary: { ...answer, file: options.out } });
      }),
  );
  tell(terminal, options, made);
}

function exportInput(options: ProveOptions): (claim: DetectionClaim) => ExportInput {
  const { detection, purpose = `proof of detection ${detection}`, receiver, since } = options;
  const files = {
    ...(receiver === undefined ? {} : { receiver: readFileSync(receiver, 'utf8') }),
    ...(since === undefined ? {} : { earlierCheckpoint: readFileSync(since, 'utf8') }),
  };
  return (claim) => ({ selection: { seqRanges: seqRangesOf(claim) }, purpose, claim: { ...claim }, ...files });
}

async function planned(options: ProveOptions, { reader, house }: OpenLog): Promise<DetectionClaim> {
  const { detection: id, run, streams, recordsMax } = options;
  const found = run === undefined ? detectionInLog(reader, id) : detectionOfRun(run, id, reader.origin);
  const artefacts = directorySet(options);
  return planProof({
    ...found,
    log: proofLogOf(reader, house.vault),
    artefacts: { rules: compileSigma(artefacts.rules, artefacts), declarations: artefacts.declarations },
    ruleFiles: artefacts.rules.map((file) => ({ path: file.path, text: decidingText(file) })),
    declarations: declarationFilesIn(streams),
    artefactHashes: artefacts.hashes,
    engine: engineHash(),
    recordsMax,
    bytesMax: PROOF_BYTES_MAX,
  });
}

function declarationFilesIn(streams: string): { path: string; text: string }[] {
  return CLAIM_DECLARATIONS.flatMap((path) => {
    const file = join(streams, 'declarations', path);
    return existsSync(file) ? [{ path, text: readFileSync(file, 'utf8') }] : [];
  });
}

/** A proof that does not bear its own claim out is none. */
async function checked(
  { out }: ProveOptions,
  { reader, house }: OpenLog,
  made: Pick<MadeProof, 'claim' | 'summary'>,
): Promise<MadeProof> {
  const bytes = readFileSync(out);
  const against = { engine: engineHash(), verifierKey: reader.identity.verifierKey };
  const reportWithoutKey = await verifyProof(bytes, against);
  const isForReceiver = made.summary.receiver !== undefined && made.claim.fields === 'opened';
  const report = isForReceiver
    ? await verifyProof(bytes, { ...against, open: (records) => house.vault.openForPipeline(records) })
    : reportWithoutKey;
  if (report.verdict !== 'INVALID') return { ...made, report, reportWithoutKey };
  rmSync(out);
  throw new ProtegoError('PROOF_INVALID', `the proof does not hold: ${report.reason}`, { code: report.code });
}

function tell(
  terminal: Terminal,
  options: ProveOptions,
  { claim, summary, report, reportWithoutKey }: MadeProof,
): void {
  const verifier = join(dirname(options.out), DETECTION_VERIFIER_NAME);
  const sha256 = options.withVerifier ? copyDetectionVerifier(verifier) : undefined;
  const { records, bytes, keys, eventSeq, receiver } = summary;
  const { verdict, code, reason, notes, leftOut } = report;
  const isKeyNeeded = claim.fields === 'opened';
  const keyLine =
    receiver === undefined
      ? 'the rule looks into personal fields: name who is to check it with --receiver'
      : `the rule looks into personal fields: check it with the key ${receiver}`;
  terminal.result(
    {
      ...{ file: options.out, detection: claim.detection.id, verdict, code, reason, notes, leftOut },
      ...{ verdictWithoutKey: reportWithoutKey.verdict, isKeyNeeded, fields: claim.fields, coverage: claim.coverage },
      ...{ seqs: claim.seqs, recordedSeq: claim.recordedSeq, records, bytes, keys, eventSeq },
      ...(sha256 === undefined ? {} : { verifier: { file: verifier, sha256 } }),
    },
    [
      `${verdict}: ${reason}`,
      ...notes.map((note) => `note: ${note}`),
      ...(isKeyNeeded ? [keyLine] : []),
      `${records} records, ${keys} record keys, ${bytes} bytes: ${options.out}`,
      `the export is recorded at seq ${eventSeq}`,
      ...(sha256 === undefined ? [] : [`verifier: ${verifier}, SHA-256 ${sha256}`]),
      `check it: protego replay verify-proof ${options.out}${sha256 === undefined ? '' : `, or: node ${verifier} ${options.out}`}`,
    ],
  );
}
