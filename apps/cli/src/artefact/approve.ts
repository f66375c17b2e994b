import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { ProtegoError } from '@protego/contracts';
import type { NoteSigner } from '@protego/enclave';
import { requireDecentReason } from '@protego/event-log';
import { approve, statementOf, statementText } from '@protego/replay';
import { withLog, withReader } from '../log/open-log';
import { Terminal } from '../terminal';
import { ledgerOf, namedSet, withSet, type SetOptions } from './artefact-options';

interface ApproveOptions extends SetOptions {
  readonly reason: string;
  readonly name: string;
  readonly key: string;
  readonly out: string;
}

/** `protego artefact approve`. */
export function approveCommand(): Command {
  const command = new Command('approve').description(
    'Sign that a set may come into force: this set, for this reason, on this log as it stands now. It only reads the log.',
  );
  const example =
    'protego artefact approve --log .protego/log --set streams --reason "rule for the new pumps" --name ward-it --key ward-it.pem --out ward-it.approval';
  return withSet(withLog(command, example, 'never'))
    .requiredOption('--reason <text>', 'the reason that the activation will state, to the letter')
    .requiredOption('--name <name>', 'name of the approver, as protego.yaml declares it')
    .requiredOption('--key <file>', 'private Ed25519 key of the approver, PEM (PKCS #8)')
    .requiredOption('--out <file>', 'file to write: a signed note')
    .action((options: ApproveOptions) => approveSet(options));
}

async function approveSet(options: ApproveOptions): Promise<void> {
  const { reason, name, key, out } = options;
  requireDecentReason(reason, []);
  const { set } = namedSet(options);
  const signer = signerOf(key);
  if (existsSync(out) && realpathSync(out) === realpathSync(key))
    throw new ProtegoError('USAGE_INVALID', `\`--out\` names the key \`${key}\`, which would be overwritten`);
  const statement = await withReader(options, ({ reader }) =>
    statementOf({ set, reason }, { origin: reader.origin, ledger: ledgerOf(reader) }),
  );
  writeFileSync(out, await approve(statement, name, signer));
  new Terminal(options.json).result({ ...statement, name, file: out }, [
    ...statementText(statement).trimEnd().split('\n'),
    `signed by ${name}: ${out}`,
  ]);
}

/** @throws ProtegoError `USAGE_INVALID` when the file holds no private Ed25519 key */
function signerOf(path: string): NoteSigner {
  const privateKey = privateKeyIn(path);
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  return {
    publicKey: Buffer.from(x, 'base64url'),
    sign: (message) => Promise.resolve(sign(null, message, privateKey)),
  };
}

function privateKeyIn(path: string): KeyObject {
  const pem = readFileSync(path);
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // What went wrong in it may quote the file, which may be any other secret.
  }
  throw new ProtegoError('USAGE_INVALID', `\`${path}\` holds no private Ed25519 key in PEM without a passphrase`);
}
