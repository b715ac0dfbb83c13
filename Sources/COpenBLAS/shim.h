#include <cblas.h>

// Debian's OpenBLAS contains LAPACK but libopenblas-dev has no header for it: these are the Fortran
// routines' own signatures, https://netlib.org/lapack/explore-html. The lengths of the characters,
// which Fortran compilers pass behind the other arguments, are read by neither.
void spotrf_(
    const char *uplo, const int *n, float *a, const int *lda, int *info);
void spotrs_(
    const char *uplo, const int *n, const int *nrhs, const float *a, const int *lda, float *b,
    const int *ldb, int *info);
void spotri_(
    const char *uplo, const int *n, float *a, const int *lda, int *info);
void dsyev_(
    const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
    double *work, const int *lwork, int *info);
