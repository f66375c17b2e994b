import path from 'node:path';
import { deterministic } from './deterministic.mjs';
import { documentedExports } from './documented-exports.mjs';

/** A rule that refuses whatever one of the selectors finds. */
function refuse(messageBySelector) {
  return {
    meta: { type: 'problem', schema: [] },
    create: (context) =>
      Object.fromEntries(
        Object.entries(messageBySelector).map(([selector, message]) => [
          selector,
          (node) => context.report({ node, message }),
        ]),
      ),
  };
}

const NAMED_DOOR = 'export each name, so that the door says what is behind it';
const ONLY_NAMED = 'a default export has no name that can be searched for: export it by name';
const EVERY_TEST = 'every test runs, whole and always';
const MESSAGE_FORM = 'a message of ProtegoError starts in lower case and has no final period';
const TEST_FUNCTION = '/^(describe|it|test)$/';

const fileName = {
  meta: { type: 'suggestion', schema: [], messages: { name: '`{{name}}` {{problem}}' } },
  create: (context) => ({
    Program(node) {
      const parts = path.relative(context.cwd, context.filename).split(path.sep);
      const report = (name, problem) => context.report({ node, messageId: 'name', data: { name, problem } });
      for (const part of parts) {
        const [stem] = part.replace(/^\.+/, '').split('.');
        if (/^(common|utils?|helpers?|managers?|misc)$/.test(stem)) report(part, 'does not say what is in it');
        if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem)) report(part, 'is not in kebab-case');
      }
    },
  }),
};

/** Rules of the house that no published plugin has. */
export const protego = {
  meta: { name: 'protego' },
  rules: {
    deterministic,
    'documented-exports': documentedExports,
    'file-name': fileName,
    'named-door': refuse({ ExportAllDeclaration: NAMED_DOOR }),
    'no-default-export': refuse({
      ExportDefaultDeclaration: ONLY_NAMED,
      TSExportAssignment: ONLY_NAMED,
      'ExportSpecifier[exported.name="default"]': ONLY_NAMED,
    }),
    'no-partial-tests': refuse({
      [`MemberExpression[object.name=${TEST_FUNCTION}][property.name=/^(only|skip|todo|failing)$/]`]: EVERY_TEST,
      'CallExpression[callee.name=/^(xdescribe|xit|xtest|fdescribe|fit)$/]': EVERY_TEST,
    }),
    'error-message': refuse({
      'NewExpression[callee.name="ProtegoError"][arguments.1.value=/^[A-Z][a-z]|[^.]\\.$/]': MESSAGE_FORM,
    }),
  },
};
