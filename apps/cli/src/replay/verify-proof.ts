import { readFileSync, statSync } from 'node:fs';
import { Command } from 'commander';
import { ProtegoError } from '@protego/contracts';
import { verifyProof } from '@protego/replay';
import { receiverPrivateKey, EvidenceError } from '@protego/event-log/standalone';
import { EXIT_CHECK_FAILED } from '../exit-code';
import { engineHash } from '../installation';
import { Terminal } from '../terminal';
import { proofWords } from './proof-words';

interface VerifyProofCommandOptions {
  readonly key?: string;
  readonly against?: string;
  readonly open?: string;
  readonly json: boolean;
}

/** Most bytes of a proof: it is read into memory. */
const PROOF_FILE_BYTES_MAX = 1 << 30;

/** `protego replay verify-proof`. */
export function verifyProofCommand(): Command {
  return new Command('verify-proof')
    .description(
      'Check the proof of one detection without its log: signature, tree, every record, and the rule, run again on them. VALID, PARTIAL where not everything is proven, or INVALID with the reason.',
    )
    .argument('<file>', 'proof that `replay prove` wrote')
    .option('--key <key>', 'key of the log as its owner publishes it (C2SP verifier key)')
    .option('--against <file>', 'signed checkpoint of the log that was kept elsewhere')
    .option('--open <file>', 'private key of the receiver, for a rule that looks into personal fields')
    .option('--json', 'print JSON', false)
    .addHelpText(
      'after',
      '\nexit codes: 0 VALID, 1 INVALID or PARTIAL, 2 usage error, 3 internal error\nexample: protego replay verify-proof detection.proof --key "$(cat log.key)"',
    )
    .action((file: string, options: VerifyProofCommandOptions) => check(file, options));
}

async function check(file: string, { key, against, open, json }: VerifyProofCommandOptions): Promise<void> {
  if (statSync(file).size > PROOF_FILE_BYTES_MAX)
    throw new ProtegoError('PROOF_INVALID', `\`${file}\` has more than ${PROOF_FILE_BYTES_MAX} bytes`);
  try {
    const report = await verifyProof(readFileSync(file), {
      engine: engineHash(),
      ...(key === undefined ? {} : { verifierKey: key }),
      ...(against === undefined ? {} : { against: readFileSync(against, 'utf8') }),
      ...(open === undefined ? {} : { privateKey: receiverPrivateKey(readFileSync(open, 'utf8')) }),
    });
    const words = proofWords(report);
    new Terminal(json).result(words.json, words.lines);
    if (report.verdict !== 'VALID') process.exitCode = EXIT_CHECK_FAILED;
  } catch (cause) {
    if (!(cause instanceof EvidenceError)) throw cause;
    throw new ProtegoError(cause.code, cause.message, {}, { cause });
  }
}
