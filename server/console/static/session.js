// Who is signed in, where the server knows its readers.

import * as api from './api.js';
import { $ } from './dom.js';

// name is that of the reader's token, empty where everybody may read; reads
// and decides say what it may.
export let name = '';
export let reads = true;
export let decides = true;

// ask finds out anew. Servers that know nobody do not have the path.
export async function ask() {
  const who = await api.get('v1/session').catch(() => null);
  name = who?.name || '';
  const may = (...roles) => !who?.roles || who.roles.some((role) => roles.includes(role));
  reads = may('read', 'decide', 'admin');
  decides = may('decide', 'admin');
  $('signout').hidden = !name;
  $('signout').title = name ? `Signed in as ${name}` : '';
}
