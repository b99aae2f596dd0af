export { app as default } from '@rondo/tool/jest';
