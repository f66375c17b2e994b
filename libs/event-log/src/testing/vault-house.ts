import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseFieldDeclarations, systemClock, type Clock, type ProtegoEvent } from '@protego/contracts';
import type { PersonalDataVault } from '@protego/enclave';
import { fixedHouse } from '@protego/enclave/testing';
import type { ErasureOptions } from '../erasure/erasure';
import { writerAuthority, type LogAuthority } from '../evidence/log-authority';
import { subjectsOfRecord } from '../evidence/record-selection';
import { EventLogReader } from '../reader/reader';
import { EventLogWriter } from '../writer/writer';
import { inTemporaryDirectory } from './index';
import { sealedRecord, signInOf } from './one-key-vault';

const clock: Clock = { ...systemClock, wallMs: () => Date.parse('2026-02-01T00:00:00Z') };

/** A log with the vault in use. */
export interface VaultHouse {
  readonly root: string;
  readonly writer: EventLogWriter;
  readonly reader: EventLogReader;
  readonly authority: LogAuthority;
  readonly vault: PersonalDataVault;
  /** Of Maria Keller, whose identity is u-0417. */
  readonly options: Omit<ErasureOptions, 'reason'>;
  append(events: readonly ProtegoEvent[]): Promise<void>;
}

/** Lends a log in which somebody writes of Maria Keller before anybody knows her, and then she signs in. */
export async function inVaultHouse(test: (house: VaultHouse) => Promise<void>): Promise<void> {
  await inTemporaryDirectory(async (root) => {
    const directory = join(root, 'log');
    const keysDirectory = join(root, 'keys');
    const path = join(__dirname, '../../../../streams/declarations/fields.yaml');
    const house = await fixedHouse(keysDirectory, parseFieldDeclarations(readFileSync(path, 'utf8'), path));
    const { keys, vault } = house;
    const writer = await EventLogWriter.open({ directory, origin: 'erasure.example', keys });
    try {
      const append = async (events: readonly ProtegoEvent[]): Promise<void> => {
        await writer.append(
          await Promise.all(events.map((event, i) => sealedRecord(vault, event, 1_767_600_000_000 + i))),
        );
        await vault.flush();
      };
      const early = signInOf('u-0418', 'Jonas Brandt', 0, { note: 'for Maria Keller' });
      await append([early, signInOf('u-0417', 'Maria Keller', 1)]);
      const reader = await EventLogReader.open({ directory, keys, subjectsOf: subjectsOfRecord });
      const authority = writerAuthority({ writer, clock, site: 'general-hospital' });
      const options = { directory, keysDirectory, reader, keys, vault, authority, clock, subject: 'u-0417' };
      await test({ root, writer, reader, authority, vault, options, append });
    } finally {
      await writer.close();
      await house.close();
    }
  });
}
