// ESLint for two languages that share a syntax: TypeScript (type-checked rules), and
// AssemblyScript, where the rules name whatever would allocate or add text and imports.

import tseslint from 'typescript-eslint';

/** Calls whose string arguments the compiler consumes. */
const COMPILE_TIME = '/^(ERROR|WARNING|INFO|offsetof|isDefined|assert)$/';
const MANAGED =
  '/^(Array|StaticArray|ArrayBuffer|DataView|Map|Set|Date|Error|RegExp|String|string|Promise|\\w+Array)$/';
const DATA = "CallExpression[callee.object.name='memory'][callee.property.name='data']";

/** Node's runner awaits these itself. */
const NODE_TEST = ['test', 'it', 'describe', 'suite'];

const restrict = (message, ...selectors) => selectors.map((selector) => ({ selector, message }));

/** The fourth layer of the proof that the core allocates nothing; the other three are in tools/. */
const NO_ALLOCATION = [
  ...restrict('`new` allocates: lay records over static memory with changetype.', 'NewExpression'),
  ...restrict(
    'An array literal allocates; constants stand in memory.data<T>([…]).',
    `:not(${DATA}) > ArrayExpression`,
    `${DATA} > ArrayExpression > :not(Literal, UnaryExpression[argument.type='Literal'])`,
  ),
  ...restrict('An object literal allocates.', 'ObjectExpression'),
  ...restrict('A template string allocates.', 'TemplateLiteral'),
  ...restrict(
    'A string is a managed object: put its bytes into memory.data.',
    `:not(ImportDeclaration, ExportNamedDeclaration, ExportAllDeclaration, CallExpression[callee.name=${COMPILE_TIME}]) > Literal[raw=/^['"]/]`,
  ),
  ...restrict('`throw` pulls in abort: answer an ErrorCode.', 'ThrowStatement'),
  ...restrict('`!` adds a check that aborts: use changetype or unchecked.', 'TSNonNullExpression'),
  ...restrict('AssemblyScript has no for…of.', 'ForOfStatement', 'ForInStatement'),
  ...restrict('AssemblyScript has no try.', 'TryStatement'),
  ...restrict(
    'A closure or function value needs a table: write a function and call it.',
    'ArrowFunctionExpression',
    ':not(MethodDefinition) > FunctionExpression',
  ),
  ...restrict(
    'Indexing with [] is checked and aborts: use load and store.',
    'MemberExpression[computed=true]',
  ),
  ...restrict(
    'A managed type: the core has static memory only.',
    `TSTypeReference[typeName.name=${MANAGED}]`,
    `MemberExpression[object.name=${MANAGED}]`,
    'TSStringKeyword',
    'TSArrayType',
  ),
  ...restrict(
    'A class is a record over static memory: @unmanaged.',
    'ClassDeclaration:not(:has(> Decorator[expression.name=unmanaged]))',
  ),
];

export default tseslint.config(
  { ignores: ['build/', 'node_modules/', 'test/assembly/'] },
  {
    files: ['{host,tools,test,bench}/**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      eqeqeq: 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: NODE_TEST }] },
      ],
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    rules: { eqeqeq: 'error', 'no-unused-vars': 'error' },
  },
  {
    files: ['assembly/**/*.ts'],
    languageOptions: { parser: tseslint.parser, parserOptions: { allowInvalidAST: true } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: { 'no-restricted-syntax': ['error', ...NO_ALLOCATION] },
  },
);
