/** Asks for a `/** … *\/` comment before every exported declaration; the first of several overloads carries it. */
export const documentedExports = {
  meta: { type: 'suggestion', schema: [], messages: { missing: 'exported `{{name}}` has no docstring' } },
  create(context) {
    const { sourceCode } = context;
    const seen = new Set();
    const check = (statement, names) => {
      const isNew = names.some((name) => !seen.has(name));
      for (const name of names) seen.add(name);
      if (!isNew || isDocumented(sourceCode, statement)) return;
      context.report({ node: statement, messageId: 'missing', data: { name: names.join(', ') } });
    };
    return {
      ExportNamedDeclaration(node) {
        if (node.declaration) check(node, namesOf(node.declaration));
        else if (!node.source) for (const { local } of node.specifiers) checkLocal(sourceCode, node, local, check);
      },
    };
  },
};

function checkLocal(sourceCode, node, local, check) {
  const definition = sourceCode.getScope(node).set.get(local.name)?.defs[0];
  if (definition === undefined || definition.type === 'ImportBinding') return;
  const isVariable = definition.node.type === 'VariableDeclarator';
  check(isVariable ? definition.node.parent : definition.node, [local.name]);
}

function namesOf(declaration) {
  if (declaration.declarations) return declaration.declarations.map(({ id }) => id.name ?? 'a pattern');
  return [declaration.id?.name ?? 'a module'];
}

function isDocumented(sourceCode, statement) {
  // A decorator may stand before `export`; the comment then stands before the decorator.
  const decorators = statement.declaration?.decorators ?? [];
  const first = [statement, ...decorators].sort((a, b) => a.range[0] - b.range[0])[0];
  const comment = sourceCode.getCommentsBefore(first).at(-1);
  return comment?.type === 'Block' && comment.value.startsWith('*');
}
