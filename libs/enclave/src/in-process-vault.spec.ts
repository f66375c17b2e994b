import { hash } from 'node:crypto';
import { EventGate } from './admission/event-gate';
import { FileVault } from './file-vault';
import { InProcessVault } from './in-process-vault';
import { describeVault } from './testing';

const root = Buffer.from(hash('sha256', 'a root secret', 'hex'), 'hex');

describeVault('InProcessVault', {
  open: async (directory, mode, fields, gate) =>
    new InProcessVault(
      await FileVault.open({ directory, mode, fields, root }),
      gate === undefined ? undefined : new EventGate(gate),
    ),
});
