// Lints the popup's hand-written scripts and the browser suites.
import js from '@eslint/js';
import globals from 'globals';

export default [
  js.configs.recommended,
  { rules: { eqeqeq: 'error', 'no-var': 'error', 'prefer-const': 'error', 'no-unused-vars': 'error' } },
  { files: ['**/*.mjs'], languageOptions: { globals: { ...globals.node, ...globals.browser } } },
  { files: ['**/loader/*.js'], languageOptions: { globals: globals.browser } },
];
