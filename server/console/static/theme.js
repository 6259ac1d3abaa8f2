// Runs before the page is painted, so that a chosen theme does not flash.
try {
  const theme = localStorage.getItem('chorus.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch { /* storage may be forbidden; the system's theme holds */ }
