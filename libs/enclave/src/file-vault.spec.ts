import { hash } from 'node:crypto';
import { FileVault } from './file-vault';
import { describeVault } from './testing';

const root = Buffer.from(hash('sha256', 'a root secret', 'hex'), 'hex');

describeVault('FileVault', {
  open: (directory, mode, fields) => FileVault.open({ directory, mode, fields, root }),
});
