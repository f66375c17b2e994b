import { Command } from 'commander';
import { keysDirectoryOf, openPlatform, platformDirectoryOf } from '@protego/enclave';
import { Terminal } from '../terminal';
import { withLog, type LogOptions } from '../log/open-log';
import { EMULATED } from './emulated';

/** `protego enclave platform-key`. */
export function platformKeyCommand(): Command {
  const command = new Command('platform-key').description(
    'Print the public key of the platform, a JWK: verifiers need it, and must get it by another way than the quotes. The platform is emulated: the key stands for the certificate of a maker of hardware.',
  );
  return withLog(command, 'protego enclave platform-key --log .protego/log > platform.jwk', 'never').action(
    (options: LogOptions) => platformKey(options),
  );
}

async function platformKey(options: LogOptions): Promise<void> {
  const directory = platformDirectoryOf(options.log, keysDirectoryOf(options.log, options.keys), options.platform);
  // A name that is mistyped must not make a platform, whose key would fit no quote.
  const platform = await openPlatform({ directory, mustExist: true });
  try {
    const key = { ...platform.attestationKey, ...EMULATED };
    new Terminal(options.json).result(key, [JSON.stringify(key, null, 2)]);
  } finally {
    platform.close();
  }
}
