import { Command } from 'commander';
import { attestCommand } from '../enclave/attest';
import { inspectCommand } from '../enclave/inspect';
import { platformKeyCommand } from '../enclave/platform-key';
import { rotateCommand } from '../enclave/rotate';
import { sealCommand } from '../enclave/seal';
import { verifyQuoteCommand } from '../enclave/verify';

/** `protego enclave`: who the enclave of a log is, and what it is made of. */
export function enclaveCommand(): Command {
  const command = new Command('enclave').description(
    'Attest and inspect the enclave that holds the keys of a log, seal its root secret, and change its data key. It is emulated: no hardware vouches for it.',
  );
  for (const make of [
    attestCommand,
    verifyQuoteCommand,
    inspectCommand,
    platformKeyCommand,
    rotateCommand,
    sealCommand,
  ])
    command.addCommand(make());
  return command;
}
