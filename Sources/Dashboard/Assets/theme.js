// Before anything is painted, so that nobody who chose dark sees a flash of light.
(() => {
  try {
    const theme = localStorage.getItem("headway.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch { /* storage is closed to this page: the system's theme it is */ }
})();
