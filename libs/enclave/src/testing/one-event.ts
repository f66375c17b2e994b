import { type OpenedEvent, type ProtegoEvent } from '@protego/contracts';
import { type PersonalDataVault, type SealedEvent, type SlotKey } from '../personal-data';
import { storedOf } from './sample-events';

/** Seals one event; an event that is refused throws its error. */
export async function sealedOf(vault: PersonalDataVault, event: ProtegoEvent): Promise<SealedEvent> {
  const [sealing] = await vault.seal([event]);
  if (sealing?.kind === 'sealed') return sealing.sealed;
  throw sealing?.error ?? new Error('an event was left without outcome');
}

/** What a reader of the log learns of one event, with the sealed part that it has or another. */
export async function revealedOf(
  vault: PersonalDataVault,
  event: SealedEvent,
  sealed: Uint8Array = event.sealed,
): Promise<OpenedEvent> {
  const [opened] = await vault.reveal([{ event: storedOf(event), sealed }]);
  return opened ?? fail();
}

/** What the pipeline sees of one event when the log is read again. */
export async function reopenedOf(vault: PersonalDataVault, event: SealedEvent): Promise<OpenedEvent> {
  const [opened] = await vault.openForPipeline([{ event: storedOf(event), sealed: event.sealed }]);
  return opened ?? fail();
}

/** Record keys of one event. */
export async function slotKeysOf(vault: PersonalDataVault, { sealed }: SealedEvent): Promise<SlotKey[]> {
  const [keys] = await vault.slotKeys([sealed]);
  return keys ?? fail();
}

function fail(): never {
  throw new Error('an event was left without result');
}
