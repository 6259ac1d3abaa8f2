// Who is signed in, where the server knows its readers.

import * as api from './api.js';
import { $ } from './dom.js';

// name is that of the reader's token, empty where everybody may read.
export let name = '';

// ask finds out anew. Servers without tokens do not know the path.
export async function ask() {
  const who = await api.get('v1/session').catch(() => null);
  name = who?.name || '';
  $('signout').hidden = !name;
  $('signout').title = name ? `Signed in as ${name}` : '';
}
