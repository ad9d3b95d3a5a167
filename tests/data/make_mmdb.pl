#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Writes one small MMDB file of each shape into DIR, for tests and fuzz seeds. Needs libmaxmind-db-writer-perl.
# usage: make_mmdb.pl DIR
use strict;
use warnings;
use MaxMind::DB::Writer::Tree;

my $dir = shift // die "usage: $0 DIR\n";

# A key's type in the file, where it is not text. A number here means unsigned 32 bits.
my %types = (
	country => 'map', registered_country => 'map', continent => 'map', names => 'map', traits => 'map', city => 'map',
	location => 'map', subdivisions => ['array', 'map'],
	is_anycast => 'boolean', is_in_european_union => 'boolean',
	geoname_id => 'uint32', autonomous_system_number => 'uint32', latitude => 'double', longitude => 'double',
	accuracy_radius => 'uint16',
);

sub database {
	my ($name, $type, $records, %options) = @_;
	my %as = (%types, %{ $options{types} // {} });
	my $tree = MaxMind::DB::Writer::Tree->new(
		ip_version => $options{ip_version} // 6,
		record_size => $options{record_size} // 24,
		database_type => $type,
		languages => ['en'],
		description => { en => "Lenscap test file $name" },
		map_key_type_callback => sub { $as{ $_[0] } // 'utf8_string' },
		alias_ipv6_to_ipv4 => ($options{ip_version} // 6) == 6 ? 1 : 0,
	);
	my @list = @$records;
	while (my ($network, $record) = splice @list, 0, 2) {
		$tree->insert_network($network, $record);
	}
	open my $out, '>:raw', "$dir/$name" or die "$dir/$name: $!\n";
	$tree->write_tree($out);
	close $out or die "$dir/$name: $!\n";
}

sub country {
	my ($code, $continent, %more) = @_;
	return {
		country => { iso_code => $code, geoname_id => 1, names => { en => "Name of $code", de => "Name von $code" } },
		continent => { code => $continent, names => { en => "Name of $continent" } },
		%more,
	};
}

# GeoLite2-Country. The networks are ordinary ones; the writer leaves the reserved ones out by itself.
my @countries = (
	'81.2.69.0/24' => country('GB', 'EU', registered_country => { iso_code => 'US', geoname_id => 2 }),
	'89.160.20.0/22' => country('SE', 'EU', registered_country => { iso_code => 'SE', geoname_id => 3 }),
	'89.160.23.128/25' => country('NO', 'EU'),
	'1.1.1.0/24' => country('AU', 'OC', traits => { is_anycast => 1 }),
	'175.16.199.0/24' => country('CN', 'AS'),
	'46.0.0.0/16' => { registered_country => { iso_code => 'RU', geoname_id => 4 } },
	'47.0.0.0/16' => { continent => { code => 'AS', geoname_id => 5 } },
	'48.0.0.0/16' => country('EU', 'EU'),
	'49.0.0.0/16' => { country => { iso_code => 'DE', geoname_id => 6 } },
	'2a02:d000::/32' => country('GB', 'EU'),
	'2001:218::/32' => country('JP', 'AS'),
	'2a02:d001::1/128' => country('FR', 'EU'),
);
database('country.mmdb', 'GeoLite2-Country', \@countries);
database('country28.mmdb', 'GeoLite2-Country', \@countries, record_size => 28);
database('country32.mmdb', 'GeoLite2-Country', \@countries, record_size => 32);

database('city.mmdb', 'GeoIP2-City', [
	'81.2.69.0/24' => country('GB', 'EU', city => { names => { en => 'London' } },
		location => { latitude => 51.5, longitude => -0.1, accuracy_radius => 10 },
		subdivisions => [ { iso_code => 'ENG', names => { en => 'England' } } ],
		registered_country => { iso_code => 'FR' }),
], record_size => 28);

database('asn.mmdb', 'GeoLite2-ASN', [
	'81.2.69.0/24' => { autonomous_system_number => 20712, autonomous_system_organization => 'Andrews & Arnold Ltd' },
	'89.160.0.0/17' => { autonomous_system_number => 29518, autonomous_system_organization => 'Bredband2 AB' },
	'12.81.96.0/19' => { autonomous_system_number => 7018 },
	'2a02:d000::/32' => { autonomous_system_number => 4200000001, autonomous_system_organization => "T\x{fc}rk Telekom" },
], record_size => 32);

database('isp.mmdb', 'GeoIP2-ISP', [
	'12.81.96.0/19' => { autonomous_system_number => 7018, autonomous_system_organization => 'AT&T', isp => 'AT&T', organization => 'AT&T' },
]);

database('enterprise.mmdb', 'GeoIP2-Enterprise', [
	'12.81.96.0/19' => country('US', 'NA', traits => { autonomous_system_number => 7018, autonomous_system_organization => 'AT&T' }),
]);

database('dbip.mmdb', 'DBIP-Country-Lite', [
	'81.2.69.0/24' => { country => { iso_code => 'GB', is_in_european_union => 0 }, continent => { code => 'EU' } },
]);

# IPinfo: flat and all text. In the older file `country` is the code.
my %text = map { $_ => 'utf8_string' } qw(country continent);
database('ipinfo_lite.mmdb', 'ipinfo generic_bundle.mmdb', [
	'81.2.69.0/24' => { country => 'United Kingdom', country_code => 'GB', continent => 'Europe', continent_code => 'EU',
		asn => 'AS20712', as_name => 'Andrews & Arnold Ltd', as_domain => 'aa.net.uk' },
	'2a02:d000::/32' => { country => 'United Kingdom', country_code => 'GB', continent => 'Europe', continent_code => 'EU' },
], types => \%text);
database('country_asn.mmdb', 'ipinfo country_asn.mmdb', [
	'81.2.69.0/24' => { country => 'GB', country_name => 'United Kingdom', continent => 'EU', continent_name => 'Europe',
		asn => 'AS20712', as_name => 'Andrews & Arnold Ltd', as_domain => 'aa.net.uk' },
	'89.160.20.0/24' => { country => 'SE', continent => 'EU', asn => 'AS99999999999', as_name => 'No such number' },
], types => \%text);
database('flat4.mmdb', 'flat-country', [ '81.2.69.0/24' => { country_code => 'gb' }, '128.0.0.0/1' => { country_code => 'US' } ],
	types => \%text, ip_version => 4);

# Nothing that we know: names instead of codes, and a field of no interest.
database('domain.mmdb', 'GeoIP2-Domain', [ '81.2.69.0/24' => { domain => 'aa.net.uk', country => 'United Kingdom' } ], types => \%text);
